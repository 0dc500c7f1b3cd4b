"""The methods of the forum service, by its contracts."""

from google.protobuf.descriptor import ServiceDescriptor

from gateway.rpcs.rpc import Rpc
from plaza.forum.v1 import (
    category_service_pb2,
    draft_service_pb2,
    engagement_service_pb2,
    moderation_service_pb2,
    notification_service_pb2,
    post_service_pb2,
    reply_service_pb2,
    revision_service_pb2,
    search_service_pb2,
    tag_service_pb2,
    webhook_service_pb2,
)
from plaza.forum.v1.category_service_pb2_grpc import CategoryServiceStub
from plaza.forum.v1.draft_service_pb2_grpc import DraftServiceStub
from plaza.forum.v1.engagement_service_pb2_grpc import EngagementServiceStub
from plaza.forum.v1.moderation_service_pb2_grpc import ModerationServiceStub
from plaza.forum.v1.notification_service_pb2_grpc import NotificationServiceStub
from plaza.forum.v1.post_service_pb2_grpc import PostServiceStub
from plaza.forum.v1.reply_service_pb2_grpc import ReplyServiceStub
from plaza.forum.v1.revision_service_pb2_grpc import RevisionServiceStub
from plaza.forum.v1.search_service_pb2_grpc import SearchServiceStub
from plaza.forum.v1.tag_service_pb2_grpc import TagServiceStub
from plaza.forum.v1.webhook_service_pb2_grpc import WebhookServiceStub
from plaza_kit.grpc_client import Client

FORUM_CONTRACTS: tuple[ServiceDescriptor, ...] = tuple(
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (category_service_pb2, "CategoryService"),
        (draft_service_pb2, "DraftService"),
        (engagement_service_pb2, "EngagementService"),
        (moderation_service_pb2, "ModerationService"),
        (notification_service_pb2, "NotificationService"),
        (post_service_pb2, "PostService"),
        (reply_service_pb2, "ReplyService"),
        (revision_service_pb2, "RevisionService"),
        (search_service_pb2, "SearchService"),
        (tag_service_pb2, "TagService"),
        (webhook_service_pb2, "WebhookService"),
    )
)


class ForumRpcs:
    """The methods of the forum service."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.posts = PostRpcs(client)
        self.replies = ReplyRpcs(client)
        self.revisions = RevisionRpcs(client)
        self.drafts = DraftRpcs(client)
        self.categories = CategoryRpcs(client)
        self.tags = TagRpcs(client)
        self.notifications = NotificationRpcs(client)
        self.webhooks = WebhookRpcs(client)
        self.engagement = EngagementRpcs(client)
        self.moderation = ModerationRpcs(client)
        self.search = Rpc(client, SearchServiceStub(client.channel).Search)


class PostRpcs:
    """The methods for posts."""

    def __init__(self, client: Client) -> None:
        stub = PostServiceStub(client.channel)
        self.create = Rpc(client, stub.CreatePost)
        self.update = Rpc(client, stub.UpdatePost)
        self.delete = Rpc(client, stub.DeletePost)
        self.get = Rpc(client, stub.GetPost)
        self.get_tree = Rpc(client, stub.GetPostTree)
        self.list = Rpc(client, stub.ListPosts)
        self.list_page = Rpc(client, stub.ListPostPage)


class ReplyRpcs:
    """The methods for replies."""

    def __init__(self, client: Client) -> None:
        stub = ReplyServiceStub(client.channel)
        self.create = Rpc(client, stub.CreateReply)
        self.update = Rpc(client, stub.UpdateReply)
        self.delete = Rpc(client, stub.DeleteReply)
        self.get = Rpc(client, stub.GetReply)
        self.list = Rpc(client, stub.ListReplies)


class RevisionRpcs:
    """The methods for the edit history."""

    def __init__(self, client: Client) -> None:
        stub = RevisionServiceStub(client.channel)
        self.list = Rpc(client, stub.ListRevisions)
        self.get = Rpc(client, stub.GetRevision)
        self.restore = Rpc(client, stub.RestoreRevision)


class DraftRpcs:
    """The methods for drafts."""

    def __init__(self, client: Client) -> None:
        stub = DraftServiceStub(client.channel)
        self.create = Rpc(client, stub.CreateDraft)
        self.update = Rpc(client, stub.UpdateDraft)
        self.get = Rpc(client, stub.GetDraft)
        self.list = Rpc(client, stub.ListDrafts)
        self.delete = Rpc(client, stub.DeleteDraft)


class CategoryRpcs:
    """The methods for categories."""

    def __init__(self, client: Client) -> None:
        stub = CategoryServiceStub(client.channel)
        self.list = Rpc(client, stub.ListCategories)
        self.get = Rpc(client, stub.GetCategory)
        self.create = Rpc(client, stub.CreateCategory)
        self.update = Rpc(client, stub.UpdateCategory)
        self.delete = Rpc(client, stub.DeleteCategory)


class TagRpcs:
    """The methods for tags."""

    def __init__(self, client: Client) -> None:
        stub = TagServiceStub(client.channel)
        self.list = Rpc(client, stub.ListTags)
        self.get = Rpc(client, stub.GetTag)
        self.update = Rpc(client, stub.UpdateTag)
        self.delete = Rpc(client, stub.DeleteTag)


class NotificationRpcs:
    """The methods for notifications."""

    def __init__(self, client: Client) -> None:
        stub = NotificationServiceStub(client.channel)
        self.list = Rpc(client, stub.ListNotifications)
        self.count_unread = Rpc(client, stub.CountUnread)
        self.mark_read = Rpc(client, stub.MarkNotificationsRead)
        self.get_preferences = Rpc(client, stub.GetNotificationPreferences)
        self.update_preferences = Rpc(client, stub.UpdateNotificationPreferences)


class WebhookRpcs:
    """The methods for webhooks."""

    def __init__(self, client: Client) -> None:
        stub = WebhookServiceStub(client.channel)
        self.create = Rpc(client, stub.CreateWebhook)
        self.update = Rpc(client, stub.UpdateWebhook)
        self.list = Rpc(client, stub.ListWebhooks)
        self.delete = Rpc(client, stub.DeleteWebhook)
        self.list_deliveries = Rpc(client, stub.ListDeliveries)
        self.replay_delivery = Rpc(client, stub.ReplayDelivery)


class EngagementRpcs:
    """The methods for what people do with posts, replies and each other."""

    def __init__(self, client: Client) -> None:
        stub = EngagementServiceStub(client.channel)
        self.set_vote = Rpc(client, stub.SetVote)
        self.add_reaction = Rpc(client, stub.AddReaction)
        self.remove_reaction = Rpc(client, stub.RemoveReaction)
        self.accept_answer = Rpc(client, stub.AcceptAnswer)
        self.clear_answer = Rpc(client, stub.ClearAnswer)
        self.add_bookmark = Rpc(client, stub.AddBookmark)
        self.remove_bookmark = Rpc(client, stub.RemoveBookmark)
        self.list_bookmarks = Rpc(client, stub.ListBookmarks)
        self.follow = Rpc(client, stub.Follow)
        self.unfollow = Rpc(client, stub.Unfollow)
        self.list_follows = Rpc(client, stub.ListFollows)
        self.block_user = Rpc(client, stub.BlockUser)
        self.unblock_user = Rpc(client, stub.UnblockUser)
        self.list_blocks = Rpc(client, stub.ListBlocks)
        self.mark_post_read = Rpc(client, stub.MarkPostRead)
        self.mark_all_read = Rpc(client, stub.MarkAllRead)


class ModerationRpcs:
    """The methods for keeping order."""

    def __init__(self, client: Client) -> None:
        stub = ModerationServiceStub(client.channel)
        self.pin_post = Rpc(client, stub.PinPost)
        self.unpin_post = Rpc(client, stub.UnpinPost)
        self.lock_post = Rpc(client, stub.LockPost)
        self.unlock_post = Rpc(client, stub.UnlockPost)
        self.feature_post = Rpc(client, stub.FeaturePost)
        self.unfeature_post = Rpc(client, stub.UnfeaturePost)
        self.move_post = Rpc(client, stub.MovePost)
        self.merge_replies = Rpc(client, stub.MergeReplies)
        self.remove_content = Rpc(client, stub.RemoveContent)
        self.restore_content = Rpc(client, stub.RestoreContent)
        self.create_report = Rpc(client, stub.CreateReport)
        self.list_cases = Rpc(client, stub.ListCases)
        self.get_case = Rpc(client, stub.GetCase)
        self.claim_case = Rpc(client, stub.ClaimCase)
        self.release_case = Rpc(client, stub.ReleaseCase)
        self.resolve_case = Rpc(client, stub.ResolveCase)
        self.list_audit_entries = Rpc(client, stub.ListAuditEntries)
        self.list_word_filters = Rpc(client, stub.ListWordFilters)
        self.create_word_filter = Rpc(client, stub.CreateWordFilter)
        self.delete_word_filter = Rpc(client, stub.DeleteWordFilter)
