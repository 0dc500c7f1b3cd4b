"""What the fake forum answers, by method, and the generated classes that it implements."""

from typing import Any

from google.protobuf.message import Message

from gateway_support.fake_state import moment
from plaza.forum.v1 import (
    category_service_pb2,
    draft_service_pb2,
    engagement_service_pb2,
    moderation_service_pb2,
    notification_pb2,
    notification_service_pb2,
    post_pb2,
    post_service_pb2,
    reply_pb2,
    reply_service_pb2,
    revision_service_pb2,
    search_service_pb2,
    tag_service_pb2,
    target_pb2,
    webhook_service_pb2,
)
from plaza.forum.v1.category_service_pb2_grpc import CategoryServiceServicer, add_CategoryServiceServicer_to_server
from plaza.forum.v1.draft_service_pb2_grpc import DraftServiceServicer, add_DraftServiceServicer_to_server
from plaza.forum.v1.engagement_service_pb2_grpc import (
    EngagementServiceServicer,
    add_EngagementServiceServicer_to_server,
)
from plaza.forum.v1.moderation_service_pb2_grpc import (
    ModerationServiceServicer,
    add_ModerationServiceServicer_to_server,
)
from plaza.forum.v1.notification_service_pb2_grpc import (
    NotificationServiceServicer,
    add_NotificationServiceServicer_to_server,
)
from plaza.forum.v1.post_service_pb2_grpc import PostServiceServicer, add_PostServiceServicer_to_server
from plaza.forum.v1.reply_service_pb2_grpc import ReplyServiceServicer, add_ReplyServiceServicer_to_server
from plaza.forum.v1.revision_service_pb2_grpc import RevisionServiceServicer, add_RevisionServiceServicer_to_server
from plaza.forum.v1.search_service_pb2_grpc import SearchServiceServicer, add_SearchServiceServicer_to_server
from plaza.forum.v1.tag_service_pb2_grpc import TagServiceServicer, add_TagServiceServicer_to_server
from plaza.forum.v1.webhook_service_pb2_grpc import WebhookServiceServicer, add_WebhookServiceServicer_to_server

SERVICERS: dict[str, tuple[type, Any]] = {
    "CategoryService": (CategoryServiceServicer, add_CategoryServiceServicer_to_server),
    "DraftService": (DraftServiceServicer, add_DraftServiceServicer_to_server),
    "EngagementService": (EngagementServiceServicer, add_EngagementServiceServicer_to_server),
    "ModerationService": (ModerationServiceServicer, add_ModerationServiceServicer_to_server),
    "NotificationService": (NotificationServiceServicer, add_NotificationServiceServicer_to_server),
    "PostService": (PostServiceServicer, add_PostServiceServicer_to_server),
    "ReplyService": (ReplyServiceServicer, add_ReplyServiceServicer_to_server),
    "RevisionService": (RevisionServiceServicer, add_RevisionServiceServicer_to_server),
    "SearchService": (SearchServiceServicer, add_SearchServiceServicer_to_server),
    "TagService": (TagServiceServicer, add_TagServiceServicer_to_server),
    "WebhookService": (WebhookServiceServicer, add_WebhookServiceServicer_to_server),
}

AUTHOR = post_pb2.Author(id=1, username="alice", avatar="/a.png")
SUMMARY = post_pb2.PostSummary(
    id=1,
    title="How do I grow tomatoes?",
    excerpt="On a balcony, that is.",
    author=AUTHOR,
    category_id=1,
    tags=["garden"],
    created_time=moment(),
    updated_time=moment(),
    last_activity_time=moment(),
    reply_count=1,
    status=post_pb2.CONTENT_STATUS_LIVE,
    version=3,
    last_reply_number=1,
    content_html="<p>On a <em>balcony</em>, that is.</p>",
)
REACTIONS = [post_pb2.ReactionCount(emoji="👍", count=2)]
POST = post_pb2.Post(
    summary=SUMMARY,
    content="On a *balcony*, that is.",
    content_html="<p>On a <em>balcony</em>, that is.</p>",
    reactions=REACTIONS,
)
REPLY = reply_pb2.Reply(
    id=5,
    post_id=1,
    number=1,
    author=AUTHOR,
    content="In a big pot.",
    content_html="<p>In a big pot.</p>",
    created_time=moment(),
    updated_time=moment(),
    status=post_pb2.CONTENT_STATUS_LIVE,
    version=2,
)
LISTED = post_pb2.ListedPost(
    id=3, title="t", content="c", author="alice", created_time=moment(), updated_time=moment(), reply_count=2
)
CATEGORY = category_service_pb2.Category(
    id=1, name="Garden", slug="garden", read_role="anyone", write_role="user", post_count=3, created_time=moment()
)
DRAFT = draft_service_pb2.Draft(
    id=1,
    fields=draft_service_pb2.DraftFields(title="How", category_id=1, tags=["garden"]),
    created_time=moment(),
    updated_time=moment(),
    version=4,
)
TAG = tag_service_pb2.Tag(id=1, name="garden", description="Everything that grows", post_count=3)
REVISION = revision_service_pb2.Revision(
    version=2,
    editor=AUTHOR,
    created_time=moment(),
    title="How do I grow tomatoes?",
    content="b",
    diff=[
        revision_service_pb2.DiffLine(kind=revision_service_pb2.DIFF_KIND_REMOVED, text="a"),
        revision_service_pb2.DiffLine(kind=revision_service_pb2.DIFF_KIND_ADDED, text="b"),
    ],
)
HIT = search_service_pb2.SearchHit(
    post_id=1,
    title="How do I grow tomatoes?",
    title_html="How do I grow <mark>tomatoes</mark>?",
    excerpt_html="On a balcony",
    author=AUTHOR,
    category_id=1,
    created_time=moment(),
)
THE_POST = target_pb2.Target(kind=target_pb2.TARGET_KIND_POST, id=1)
NOTIFICATION = notification_pb2.Notification(
    id=1,
    kind=notification_pb2.NOTIFICATION_KIND_REPLY,
    actor=AUTHOR,
    count=2,
    post_id=1,
    post_title="How do I grow tomatoes?",
    reply_id=5,
    updated_time=moment(),
)
PREFERENCES = notification_service_pb2.NotificationPreferences(
    reply=True,
    mention=True,
    vote_milestone=False,
    accepted=True,
    followed_reply=True,
    followed_post=True,
    moderation=True,
)
CASE = moderation_service_pb2.Case(
    id=1,
    target=THE_POST,
    post_id=1,
    author=AUTHOR,
    content="Cheap pills",
    status=post_pb2.CONTENT_STATUS_HELD,
    is_held=True,
    state=moderation_service_pb2.CASE_STATE_OPEN,
    created_time=moment(),
    updated_time=moment(),
)
WORD_FILTER = moderation_service_pb2.WordFilter(id=1, phrase="cheap pills", action="hold", created_time=moment())
WEBHOOK = webhook_service_pb2.Webhook(
    id=1, url="https://hooks.example.org/plaza", events=["post.created"], is_active=True, created_time=moment()
)
DELIVERY = webhook_service_pb2.Delivery(
    id=1,
    event_id="01980c2e-7d3c-7f0b-8e1f-5a6b7c8d9e0f",
    event="post.created",
    state=webhook_service_pb2.DELIVERY_STATE_DEAD,
    attempt_count=8,
    last_status=500,
    created_time=moment(),
)

ANSWERS: dict[str, Message] = {
    "CreatePost": post_service_pb2.CreatePostResponse(post_id=3, status=post_pb2.CONTENT_STATUS_LIVE),
    "UpdatePost": post_service_pb2.UpdatePostResponse(post=POST),
    "DeletePost": post_service_pb2.DeletePostResponse(),
    "GetPost": post_service_pb2.GetPostResponse(post=POST),
    "GetPostTree": post_service_pb2.GetPostTreeResponse(
        post=LISTED,
        replies=[
            reply_pb2.TreeReply(id=5, author="bob", content="r", created_time=moment(), updated_time=moment()),
            reply_pb2.TreeReply(
                id=6, parent_reply_id=5, author="", content="rr", created_time=moment(), updated_time=moment()
            ),
        ],
    ),
    "ListPosts": post_service_pb2.ListPostsResponse(posts=[SUMMARY], next_page_token="next"),
    "ListPostPage": post_service_pb2.ListPostPageResponse(posts=[LISTED], total_size=3, page_count=1, page=1),
    "CreateReply": reply_service_pb2.CreateReplyResponse(reply=REPLY),
    "UpdateReply": reply_service_pb2.UpdateReplyResponse(reply=REPLY),
    "DeleteReply": reply_service_pb2.DeleteReplyResponse(deleted_count=2),
    "GetReply": reply_service_pb2.GetReplyResponse(reply=REPLY),
    "ListReplies": reply_service_pb2.ListRepliesResponse(replies=[REPLY], next_page_token="next"),
    "ListRevisions": revision_service_pb2.ListRevisionsResponse(
        revisions=[revision_service_pb2.Revision(version=2, editor=AUTHOR, created_time=moment())]
    ),
    "GetRevision": revision_service_pb2.GetRevisionResponse(revision=REVISION),
    "RestoreRevision": revision_service_pb2.RestoreRevisionResponse(version=4),
    "CreateDraft": draft_service_pb2.CreateDraftResponse(draft=DRAFT),
    "UpdateDraft": draft_service_pb2.UpdateDraftResponse(draft=DRAFT),
    "GetDraft": draft_service_pb2.GetDraftResponse(draft=DRAFT),
    "ListDrafts": draft_service_pb2.ListDraftsResponse(drafts=[DRAFT]),
    "DeleteDraft": draft_service_pb2.DeleteDraftResponse(),
    "ListCategories": category_service_pb2.ListCategoriesResponse(categories=[CATEGORY]),
    "GetCategory": category_service_pb2.GetCategoryResponse(category=CATEGORY),
    "CreateCategory": category_service_pb2.CreateCategoryResponse(category=CATEGORY),
    "UpdateCategory": category_service_pb2.UpdateCategoryResponse(category=CATEGORY),
    "DeleteCategory": category_service_pb2.DeleteCategoryResponse(),
    "ListTags": tag_service_pb2.ListTagsResponse(tags=[TAG]),
    "GetTag": tag_service_pb2.GetTagResponse(tag=TAG),
    "UpdateTag": tag_service_pb2.UpdateTagResponse(tag=TAG),
    "DeleteTag": tag_service_pb2.DeleteTagResponse(),
    "Search": search_service_pb2.SearchResponse(hits=[HIT]),
    "SetVote": engagement_service_pb2.SetVoteResponse(up_count=1),
    "AddReaction": engagement_service_pb2.AddReactionResponse(reactions=REACTIONS),
    "RemoveReaction": engagement_service_pb2.RemoveReactionResponse(reactions=REACTIONS),
    "AcceptAnswer": engagement_service_pb2.AcceptAnswerResponse(),
    "ClearAnswer": engagement_service_pb2.ClearAnswerResponse(),
    "AddBookmark": engagement_service_pb2.AddBookmarkResponse(),
    "RemoveBookmark": engagement_service_pb2.RemoveBookmarkResponse(),
    "ListBookmarks": engagement_service_pb2.ListBookmarksResponse(
        bookmarks=[engagement_service_pb2.Bookmark(created_time=moment(), post=SUMMARY, reply=REPLY)]
    ),
    "Follow": engagement_service_pb2.FollowResponse(),
    "Unfollow": engagement_service_pb2.UnfollowResponse(),
    "ListFollows": engagement_service_pb2.ListFollowsResponse(
        follows=[engagement_service_pb2.FollowedTarget(target=THE_POST, name="How", created_time=moment())]
    ),
    "BlockUser": engagement_service_pb2.BlockUserResponse(),
    "UnblockUser": engagement_service_pb2.UnblockUserResponse(),
    "ListBlocks": engagement_service_pb2.ListBlocksResponse(
        blocks=[engagement_service_pb2.BlockedUser(user=AUTHOR, created_time=moment())]
    ),
    "MarkPostRead": engagement_service_pb2.MarkPostReadResponse(read=post_pb2.ReadPosition(last_read_number=1)),
    "MarkAllRead": engagement_service_pb2.MarkAllReadResponse(),
    "ListNotifications": notification_service_pb2.ListNotificationsResponse(notifications=[NOTIFICATION]),
    "CountUnread": notification_service_pb2.CountUnreadResponse(count=2),
    "MarkNotificationsRead": notification_service_pb2.MarkNotificationsReadResponse(unread_count=1),
    "GetNotificationPreferences": notification_service_pb2.GetNotificationPreferencesResponse(preferences=PREFERENCES),
    "UpdateNotificationPreferences": notification_service_pb2.UpdateNotificationPreferencesResponse(
        preferences=PREFERENCES
    ),
    "PinPost": moderation_service_pb2.PinPostResponse(),
    "UnpinPost": moderation_service_pb2.UnpinPostResponse(),
    "LockPost": moderation_service_pb2.LockPostResponse(),
    "UnlockPost": moderation_service_pb2.UnlockPostResponse(),
    "FeaturePost": moderation_service_pb2.FeaturePostResponse(),
    "UnfeaturePost": moderation_service_pb2.UnfeaturePostResponse(),
    "MovePost": moderation_service_pb2.MovePostResponse(),
    "MergeReplies": moderation_service_pb2.MergeRepliesResponse(moved_count=2),
    "RemoveContent": moderation_service_pb2.RemoveContentResponse(),
    "RestoreContent": moderation_service_pb2.RestoreContentResponse(),
    "CreateReport": moderation_service_pb2.CreateReportResponse(),
    "ListCases": moderation_service_pb2.ListCasesResponse(cases=[CASE]),
    "GetCase": moderation_service_pb2.GetCaseResponse(
        case=CASE,
        reports=[
            moderation_service_pb2.Report(reporter=AUTHOR, reason="spam", note="Again", created_time=moment()),
        ],
    ),
    "ClaimCase": moderation_service_pb2.ClaimCaseResponse(case=CASE),
    "ReleaseCase": moderation_service_pb2.ReleaseCaseResponse(case=CASE),
    "ResolveCase": moderation_service_pb2.ResolveCaseResponse(case=CASE),
    "ListAuditEntries": moderation_service_pb2.ListAuditEntriesResponse(
        entries=[
            moderation_service_pb2.AuditEntry(
                id=1, actor=AUTHOR, action="post.pin", target=THE_POST, detail="global", created_time=moment()
            )
        ]
    ),
    "ListWordFilters": moderation_service_pb2.ListWordFiltersResponse(word_filters=[WORD_FILTER]),
    "CreateWordFilter": moderation_service_pb2.CreateWordFilterResponse(word_filter=WORD_FILTER),
    "DeleteWordFilter": moderation_service_pb2.DeleteWordFilterResponse(),
    "CreateWebhook": webhook_service_pb2.CreateWebhookResponse(webhook=WEBHOOK, secret="whsec_c2VjcmV0"),
    "UpdateWebhook": webhook_service_pb2.UpdateWebhookResponse(webhook=WEBHOOK),
    "ListWebhooks": webhook_service_pb2.ListWebhooksResponse(webhooks=[WEBHOOK]),
    "DeleteWebhook": webhook_service_pb2.DeleteWebhookResponse(),
    "ListDeliveries": webhook_service_pb2.ListDeliveriesResponse(deliveries=[DELIVERY]),
    "ReplayDelivery": webhook_service_pb2.ReplayDeliveryResponse(delivery=DELIVERY),
}
