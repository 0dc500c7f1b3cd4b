"""Metrics of this service beyond the kit's."""

from prometheus_client import Counter

REFRESH_REUSE = Counter("plaza_auth_refresh_reuse_total", "Sessions ended because a spent refresh token came again")
LOGIN_FAILURES = Counter("plaza_auth_login_failed_total", "Refused sign-ins, by reason", ["reason"])
MAILS = Counter("plaza_auth_mail_total", "Attempts to send a mail, by outcome", ["outcome"])
