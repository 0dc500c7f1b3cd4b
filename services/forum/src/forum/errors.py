"""Every reason of this service beyond the kit's taxonomy, with its status, in one table.

The HTTP status at the edge is the edge's: it follows the gRPC status unless its catalogue pins another one.
"""

from plaza_kit.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
)


class PostNotFound(NotFound):
    """There is no such post for the caller."""

    reason = "POST_NOT_FOUND"


class ReplyNotFound(NotFound):
    """There is no such reply for the caller."""

    reason = "REPLY_NOT_FOUND"


class ParentReplyNotFound(NotFound):
    """The reply to answer does not exist, or belongs to another post."""

    reason = "PARENT_REPLY_NOT_FOUND"


class CategoryNotFound(NotFound):
    """There is no such category for the caller."""

    reason = "CATEGORY_NOT_FOUND"


class TagNotFound(NotFound):
    """There is no such tag."""

    reason = "TAG_NOT_FOUND"


class UserNotFound(NotFound):
    """There is no such user."""

    reason = "USER_NOT_FOUND"


class RevisionNotFound(NotFound):
    """The target never had that version."""

    reason = "REVISION_NOT_FOUND"


class DraftNotFound(NotFound):
    """The caller has no such draft."""

    reason = "DRAFT_NOT_FOUND"


class CaseNotFound(NotFound):
    """There is no such case."""

    reason = "CASE_NOT_FOUND"


class WordFilterNotFound(NotFound):
    """There is no such word filter."""

    reason = "WORD_FILTER_NOT_FOUND"


class WebhookNotFound(NotFound):
    """There is no such webhook."""

    reason = "WEBHOOK_NOT_FOUND"


class DeliveryNotFound(NotFound):
    """The webhook has no such delivery."""

    reason = "DELIVERY_NOT_FOUND"


class TitleAndContentRequired(InvalidArgument):
    """Title or content is absent or empty."""

    reason = "TITLE_AND_CONTENT_REQUIRED"


class ReplyContentRequired(InvalidArgument):
    """The content is absent or empty."""

    reason = "REPLY_CONTENT_REQUIRED"


class ReplyTooDeep(InvalidArgument):
    """There are too many replies above it."""

    reason = "REPLY_TOO_DEEP"


class CategoryTooDeep(InvalidArgument):
    """Categories nest one level."""

    reason = "CATEGORY_TOO_DEEP"


class ContentRejected(InvalidArgument):
    """A word filter refuses the text."""

    reason = "CONTENT_REJECTED"


class WebhookUrlRefused(InvalidArgument):
    """The address is not one that may be called."""

    reason = "WEBHOOK_URL_REFUSED"


class NotPostAuthor(PermissionDenied):
    """The post is another user's."""

    reason = "NOT_POST_AUTHOR"


class NotReplyAuthor(PermissionDenied):
    """The reply is another user's."""

    reason = "NOT_REPLY_AUTHOR"


class CategoryReadOnly(PermissionDenied):
    """The caller's role may not write there."""

    reason = "CATEGORY_READ_ONLY"


class PostLocked(PermissionDenied):
    """A moderator has locked the post."""

    reason = "POST_LOCKED"


class TagNotAllowed(PermissionDenied):
    """The caller's role may not use or make the tag."""

    reason = "TAG_NOT_ALLOWED"


class UserBanned(PermissionDenied):
    """The caller is banned."""

    reason = "USER_BANNED"


class OwnContent(PermissionDenied):
    """One does not do this to oneself."""

    reason = "OWN_CONTENT"


class NewUserLinkLimit(PermissionDenied):
    """A new user's text has too many links."""

    reason = "NEW_USER_LINK_LIMIT"


class NewUserRateLimit(ResourceExhausted):
    """A new user has written enough for this hour."""

    reason = "NEW_USER_RATE_LIMIT"


class VersionMismatch(Aborted):
    """Somebody else was faster."""

    reason = "VERSION_MISMATCH"


class DuplicatePost(AlreadyExists):
    """The caller wrote the same a moment ago."""

    reason = "DUPLICATE_POST"


class CategorySlugTaken(AlreadyExists):
    """Another category has that slug."""

    reason = "CATEGORY_SLUG_TAKEN"


class TagNameTaken(AlreadyExists):
    """Another tag has that name."""

    reason = "TAG_NAME_TAKEN"


class WordFilterExists(AlreadyExists):
    """There is a filter for that phrase."""

    reason = "WORD_FILTER_EXISTS"


class AlreadyReported(AlreadyExists):
    """The caller has reported this."""

    reason = "ALREADY_REPORTED"


class CategoryNotEmpty(FailedPrecondition):
    """There are posts or categories in it, or it is the default one."""

    reason = "CATEGORY_NOT_EMPTY"


class NotRemoved(FailedPrecondition):
    """It is in sight."""

    reason = "NOT_REMOVED"


class CaseClaimed(FailedPrecondition):
    """Another moderator works on it."""

    reason = "CASE_CLAIMED"


class CaseResolved(FailedPrecondition):
    """It is decided."""

    reason = "CASE_RESOLVED"


class LimitReached(FailedPrecondition):
    """There are as many as there may be; `limit` of the metadata says how many."""

    reason = "LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(metadata={"limit": str(limit)})
