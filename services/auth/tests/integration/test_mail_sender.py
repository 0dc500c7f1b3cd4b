"""Sending mail: a real mail server, and none."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import func, select
from structlog.testing import capture_logs

from auth import models
from auth.mail import LogTransport, Mail, MailSender, MailUnsent, SmtpServer, SmtpTransport
from plaza.auth.v1 import account_service_pb2, profile_service_pb2
from plaza_kit.caller import Caller
from plaza_kit.testing.polling import eventually
from plaza_kit.testing.processes import free_port


class Inbox:
    """What a mail server took; `refusal` is its answer when it takes nothing."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []
        self.refusal = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusal:
            return self.refusal
        self.envelopes.append(envelope)
        return "250 taken"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def smtp(inbox: Inbox) -> AsyncIterator[SmtpServer]:
    """A real mail server."""
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port("127.0.0.1"))
    await asyncio.to_thread(controller.start)
    yield server_at(controller.port)
    await asyncio.to_thread(controller.stop)


def server_at(port: int) -> SmtpServer:
    return SmtpServer(
        host="127.0.0.1",
        port=port,
        security="none",
        username="",
        password="",
        sender="Plaza <no-reply@example.com>",
        timeout_seconds=2.0,
    )


def sender(auth: Any, transport: Any, attempts: int = 3) -> MailSender:
    return MailSender(auth.service.foundation, transport, attempts=attempts)


async def waiting(auth: Any) -> int:
    async with auth.service.foundation.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(models.mails))).scalar_one())


@pytest.fixture
async def queued(auth: Any) -> Caller:
    """A user with one mail that is due."""
    caller: Caller = await auth.signed_in("alice")
    fields = profile_service_pb2.ProfileFields(email="alice@example.com")
    request = profile_service_pb2.UpdateProfileRequest(fields=fields)
    request.update_mask.paths.append("email")
    await auth.call("UpdateProfile", request, caller)
    await auth.call("RequestEmailVerification", account_service_pb2.RequestEmailVerificationRequest(), caller)
    return caller


@pytest.mark.usefixtures("queued")
async def test_a_mail_server_gets_the_message(auth: Any, inbox: Inbox, smtp: SmtpServer) -> None:
    await sender(auth, SmtpTransport(smtp)).send_due()
    [envelope] = inbox.envelopes

    assert envelope.rcpt_tos == ["alice@example.com"]
    assert envelope.mail_from == "no-reply@example.com"
    assert b"Subject: " in envelope.content
    assert await waiting(auth) == 0


@pytest.mark.usefixtures("queued")
async def test_an_unsent_mail_is_tried_again_later_and_later(auth: Any, inbox: Inbox, smtp: SmtpServer) -> None:
    mails = sender(auth, SmtpTransport(smtp))
    inbox.refusal = "451 try again"
    assert await mails.send_due() == 1
    assert await mails.send_due() == 0
    auth.clock.forward(seconds=31)
    assert await mails.send_due() == 1
    auth.clock.forward(seconds=31)
    assert await mails.send_due() == 0
    auth.clock.forward(seconds=31)
    inbox.refusal = ""
    assert await mails.send_due() == 1

    assert len(inbox.envelopes) == 1
    assert await waiting(auth) == 0


@pytest.mark.usefixtures("queued")
async def test_a_mail_is_given_up_after_its_attempts(auth: Any) -> None:
    mails = sender(auth, SmtpTransport(server_at(free_port("127.0.0.1"))), attempts=2)
    with capture_logs() as logs:
        await mails.send_due()
        auth.clock.forward(minutes=1)
        await mails.send_due()

    assert [line["outcome"] for line in logs if line["event"] == "mail.unsent"] == ["failed", "given_up"]
    assert await waiting(auth) == 0


@pytest.mark.usefixtures("queued")
async def test_two_senders_send_one_mail_once(auth: Any, inbox: Inbox, smtp: SmtpServer) -> None:
    senders = [sender(auth, SmtpTransport(smtp)) for _ in range(3)]
    await asyncio.gather(*(each.send_due() for each in senders))

    assert len(inbox.envelopes) == 1


@pytest.mark.usefixtures("queued")
async def test_a_crash_between_claim_and_delivery_loses_nothing(auth: Any) -> None:
    class Crash(Exception):
        pass

    auth.transport.failure = Crash()
    with pytest.raises(Crash):
        await auth.service.mail_sender.send_due()
    auth.transport.failure = None
    auth.clock.forward(seconds=31)
    await auth.service.mail_sender.send_due()

    assert len(auth.sent_mails) == 1


async def test_a_silent_server_is_left_after_the_deadline() -> None:
    is_left = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        is_left.set()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    silent = SmtpServer("127.0.0.1", port, "none", "", "", "Plaza <p@example.com>", timeout_seconds=0.2)
    with pytest.raises(MailUnsent):
        await SmtpTransport(silent).send(Mail("a@example.com", "s", "t"))
    await asyncio.wait_for(is_left.wait(), 2)
    server.close()
    await server.wait_closed()


@pytest.mark.usefixtures("queued")
async def test_the_background_task_sends_and_stops(auth: Any) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(auth.service.mail_sender.run(stop))
    await eventually(lambda: len(auth.sent_mails) == 1)
    stop.set()
    await asyncio.wait_for(task, 2)

    assert await waiting(auth) == 0


async def test_without_a_server_the_message_goes_to_the_log() -> None:
    with capture_logs() as logs:
        await LogTransport().send(Mail("a@example.com", "Confirm", "link"))

    assert logs == [
        {
            "event": "mail.logged",
            "log_level": "info",
            "recipient": "a@example.com",
            "subject": "Confirm",
            "text": "link",
        }
    ]


async def test_the_wait_between_attempts_is_bounded(auth: Any, queued: Caller) -> None:
    mails = sender(auth, SmtpTransport(server_at(free_port("127.0.0.1"))), attempts=50)
    for _ in range(9):
        assert await mails.send_due() == 1
        auth.clock.forward(hours=1, seconds=1)
    async with auth.service.foundation.database.read() as connection:
        next_time = (await connection.execute(select(models.mails.c.next_attempt_time))).scalar_one()

    assert next_time - auth.clock() <= timedelta(hours=1)
    assert queued.user_id
