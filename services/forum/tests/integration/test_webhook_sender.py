"""From an event of the forum to a receiver's door: signed, again after failures, given up, sent again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, update
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from forum import models
from forum.webhook_requests import WebhookRequests
from forum.webhook_sender import PAUSES, WebhookSender
from plaza.forum.v1 import webhook_service_pb2 as pb
from plaza_kit.testing.polling import eventually

pytestmark = pytest.mark.parametrize(
    "settings_changes", [{"webhook_allow_http": True, "webhook_allowed_networks": "127.0.0.0/8"}]
)


class Receiver:
    """A receiver of webhooks: `status` is its answer, from paths in `silent` there is none."""

    def __init__(self) -> None:
        self.status = 200
        self.silent: set[str] = set()
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.is_over = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            path = first.split(" ")[1]
            self.got.append((path, headers, body))
            if path in self.silent:
                await self.is_over.wait()
            writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    made.is_over.set()
    server.close()
    await server.wait_closed()


async def hook(board: Any, url: str) -> pb.CreateWebhookResponse:
    request = pb.CreateWebhookRequest(url=url, events=["post.created"])
    response: pb.CreateWebhookResponse = await board.forum.call("CreateWebhook", request, board.forum.admin())
    return response


async def deliveries(board: Any, webhook_id: int) -> list[pb.Delivery]:
    request = pb.ListDeliveriesRequest(webhook_id=webhook_id)
    return list((await board.forum.call("ListDeliveries", request, board.forum.admin())).deliveries)


async def send(board: Any) -> int:
    """Apply what has happened and send what is due; return the number of attempts."""
    await board.apply()
    return int(await board.forum.service.webhook_sender.send_due())


async def test_an_event_reaches_its_receiver_signed(board: Any, receiver: Receiver) -> None:
    made = await hook(board, receiver.url("/plaza"))
    [alice] = await board.users("alice")
    post_id = await board.post(alice)
    assert await send(board) == 1
    [(path, headers, body)] = receiver.got
    [delivery] = await deliveries(board, made.webhook.id)

    assert path == "/plaza"
    assert headers["webhook-id"] == delivery.event_id
    # The clock of the service is a little behind in tests: less than the five minutes that receivers allow.
    told = Webhook(made.secret).verify(body, headers)
    assert (told["type"], told["data"]["post_id"]) == ("post.created", post_id)
    assert (delivery.state, delivery.attempt_count, delivery.last_status) == (pb.DELIVERY_STATE_DELIVERED, 1, 200)
    assert not delivery.HasField("next_attempt_time")
    assert await send(board) == 0


async def test_a_failed_delivery_is_tried_again_later_and_later_and_then_is_a_dead_letter(
    board: Any, receiver: Receiver
) -> None:
    receiver.status = 503
    made = await hook(board, receiver.url())
    [alice] = await board.users("alice")
    await board.post(alice)
    assert await send(board) == 1
    for number, pause in enumerate(PAUSES, 2):
        board.forum.clock.forward(seconds=pause.total_seconds() - 1)
        assert await send(board) == 0
        board.forum.clock.forward(seconds=pause.total_seconds() * 0.1 + 2)
        assert await send(board) == 1
        [delivery] = await deliveries(board, made.webhook.id)
        assert (delivery.attempt_count, delivery.last_status, delivery.last_error) == (number, 503, "refused")
    board.forum.clock.forward(days=20)

    assert await send(board) == 0
    assert delivery.state == pb.DELIVERY_STATE_DEAD
    assert not delivery.HasField("next_attempt_time")
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in receiver.got}) == len(PAUSES) + 1


async def test_a_dead_letter_is_sent_again_on_request(board: Any, receiver: Receiver) -> None:
    made = await hook(board, receiver.url())
    [alice] = await board.users("alice")
    await board.post(alice)
    await board.apply()
    dead = {"state": int(pb.DELIVERY_STATE_DEAD), "attempt_count": 9, "next_attempt_time": None}
    await board.write(lambda connection: connection.execute(update(models.webhook_deliveries).values(dead)))
    assert await send(board) == 0
    [delivery] = await deliveries(board, made.webhook.id)
    request = pb.ReplayDeliveryRequest(webhook_id=made.webhook.id, delivery_id=delivery.id)
    await board.forum.call("ReplayDelivery", request, board.forum.admin())
    assert await send(board) == 1

    [delivered] = await deliveries(board, made.webhook.id)
    assert (delivered.state, delivered.attempt_count) == (pb.DELIVERY_STATE_DELIVERED, 1)
    assert [headers["webhook-id"] for _, headers, _ in receiver.got] == [delivery.event_id]


async def test_who_answers_gone_is_left_alone(board: Any, receiver: Receiver) -> None:
    receiver.status = 410
    made = await hook(board, receiver.url())
    [alice] = await board.users("alice")
    for _ in range(2):
        await board.post(alice)
    assert await send(board) == 1
    [webhook] = (await board.forum.call("ListWebhooks", pb.ListWebhooksRequest(), board.forum.admin())).webhooks

    assert not webhook.is_active
    states = [each.state for each in await deliveries(board, made.webhook.id)]
    assert states == [pb.DELIVERY_STATE_PENDING, pb.DELIVERY_STATE_DEAD]
    receiver.status = 200
    change = pb.UpdateWebhookRequest(webhook_id=webhook.id, is_active=True)
    await board.forum.call("UpdateWebhook", change, board.forum.admin())
    assert await send(board) == 1


async def test_a_new_secret_counts_for_what_waits(board: Any, receiver: Receiver) -> None:
    made = await hook(board, receiver.url())
    [alice] = await board.users("alice")
    await board.post(alice)
    await board.apply()
    change = pb.UpdateWebhookRequest(webhook_id=made.webhook.id, rotate_secret=True)
    renewed = await board.forum.call("UpdateWebhook", change, board.forum.admin())
    await send(board)
    [(_, headers, body)] = receiver.got

    assert Webhook(renewed.secret).verify(body, headers)["type"] == "post.created"


async def test_a_secret_that_cannot_be_read_is_a_failure_that_says_what_to_do(board: Any, receiver: Receiver) -> None:
    made = await hook(board, receiver.url())
    [alice] = await board.users("alice")
    await board.post(alice)
    broken = update(models.webhooks).values(sealed_secret=b"sealed with another key")
    await board.write(lambda connection: connection.execute(broken))
    await send(board)
    [delivery] = await deliveries(board, made.webhook.id)

    assert (receiver.got, delivery.state) == ([], pb.DELIVERY_STATE_PENDING)
    assert delivery.last_error == "the secret cannot be read: make a new one"


async def test_two_senders_send_a_delivery_once(board: Any, receiver: Receiver) -> None:
    await hook(board, receiver.url())
    [alice] = await board.users("alice")
    for _ in range(3):
        await board.post(alice)
    await board.apply()
    service = board.forum.service
    senders = [WebhookSender(service.foundation, service.webhook_requests) for _ in range(3)]
    attempts = await asyncio.gather(*(each.send_due() for each in senders))

    assert sum(attempts) == 3
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == len(receiver.got) == 3


async def test_a_crash_between_claim_and_answer_loses_nothing(board: Any, receiver: Receiver) -> None:
    class Crash(BaseException):
        pass

    class Crashing(WebhookRequests):
        async def send(self, url: Any, headers: Any, body: Any) -> Any:
            raise Crash

    await hook(board, receiver.url())
    [alice] = await board.users("alice")
    await board.post(alice)
    await board.apply()
    service = board.forum.service
    with pytest.raises(Crash):
        await WebhookSender(service.foundation, Crashing(service.webhook_guard)).send_due()
    assert await send(board) == 0
    board.forum.clock.forward(seconds=61)

    assert await send(board) == 1
    assert len(receiver.got) == 1


async def test_a_webhook_that_hangs_holds_up_no_other(board: Any, receiver: Receiver) -> None:
    receiver.silent = {"/slow"}
    for path in ("/slow", "/fast"):
        await hook(board, receiver.url(path))
    [alice] = await board.users("alice")
    for _ in range(3):
        await board.post(alice)
    await board.apply()
    stop = asyncio.Event()
    task = asyncio.create_task(board.forum.service.webhook_sender.run(stop))
    await eventually(lambda: [path for path, _, _ in receiver.got].count("/fast") == 3)
    assert [path for path, _, _ in receiver.got].count("/slow") == 1

    receiver.is_over.set()
    await eventually(lambda: [path for path, _, _ in receiver.got].count("/slow") == 3)
    await board.post(alice)
    await board.apply()
    await eventually(lambda: len(receiver.got) == 8)
    stop.set()
    await asyncio.wait_for(task, 5)


async def test_outcomes_are_counted_and_failures_are_logged_without_the_address(board: Any, receiver: Receiver) -> None:
    def counted(outcome: str) -> float:
        return REGISTRY.get_sample_value("plaza_forum_webhook_total", {"outcome": outcome}) or 0.0

    before = [counted(outcome) for outcome in ("delivered", "failed")]
    await hook(board, receiver.url("/a-secret-path"))
    [alice] = await board.users("alice")
    receiver.status = 500
    await board.post(alice)
    with capture_logs() as logs:
        await send(board)
    receiver.status = 200
    board.forum.clock.forward(seconds=6)
    await send(board)

    assert [counted(outcome) for outcome in ("delivered", "failed")] == [before[0] + 1, before[1] + 1]
    [line] = [line for line in logs if line["event"] == "webhook.undelivered"]
    assert (line["attempt"], line["outcome"], line["status"]) == (1, "failed", 500)
    assert "a-secret-path" not in repr(logs)


async def test_an_address_that_is_not_allowed_any_more_is_not_called(board: Any, receiver: Receiver) -> None:
    made = await hook(board, receiver.url())
    [alice] = await board.users("alice")
    await board.post(alice)
    moved = update(models.webhooks).values(url="http://169.254.169.254/latest/meta-data/")
    await board.write(lambda connection: connection.execute(moved))
    await send(board)
    [delivery] = await deliveries(board, made.webhook.id)

    assert (delivery.state, delivery.last_status) == (pb.DELIVERY_STATE_PENDING, 0)
    assert delivery.last_error == "not sent: the host has an address that is not public"
    async with board.database.read() as connection:
        due = (await connection.execute(select(models.webhook_deliveries.c.next_attempt_time))).scalar_one()
    assert due - board.forum.clock() < timedelta(seconds=6)
