"""Who sees a post or a reply, as far as its own status goes; its category and, for a reply, its post decide too."""

from forum.ranks import is_moderator
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE
from plaza_kit.caller import Caller


def is_visible(status: int, author_id: int, caller: Caller) -> bool:
    """Tell whether the caller sees it: live ones everybody, held ones their author, all of them moderators."""
    if status == CONTENT_STATUS_LIVE or is_moderator(caller):
        return True
    return status == CONTENT_STATUS_HELD and author_id == caller.user_id
