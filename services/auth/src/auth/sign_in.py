"""What belongs to signing in, together."""

from dataclasses import dataclass

from auth.keys import KeyRing
from auth.login import Login
from auth.registration import Registration
from auth.revocations import Revocations
from auth.sessions import Sessions


@dataclass(frozen=True)
class SignIn:
    """The use cases of `AuthService`, and the keys that prove what they hand out."""

    registration: Registration
    login: Login
    sessions: Sessions
    revocations: Revocations
    keys: KeyRing
