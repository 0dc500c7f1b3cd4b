"""WebhookService: addresses, secrets, deliveries and who may."""

import asyncio
import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from forum import models
from forum.webhooks import sealing_context
from plaza.forum.v1 import webhook_service_pb2 as pb
from plaza_kit.caller import Caller

URL = "https://hooks.example.org/plaza"


async def create(forum: Any, url: str = URL, events: tuple[str, ...] = ("post.created",)) -> pb.CreateWebhookResponse:
    request = pb.CreateWebhookRequest(url=url, events=events)
    response: pb.CreateWebhookResponse = await forum.call("CreateWebhook", request, forum.admin())
    return response


async def webhooks(forum: Any) -> list[pb.Webhook]:
    return list((await forum.call("ListWebhooks", pb.ListWebhooksRequest(), forum.admin())).webhooks)


async def update(forum: Any, webhook_id: int, **fields: Any) -> pb.UpdateWebhookResponse:
    request = pb.UpdateWebhookRequest(webhook_id=webhook_id, **fields)
    response: pb.UpdateWebhookResponse = await forum.call("UpdateWebhook", request, forum.admin())
    return response


async def add_deliveries(forum: Any, webhook_id: int, *states: int) -> None:
    now = datetime.now(UTC)
    rows = [
        {
            "webhook_id": webhook_id,
            "event_id": f"event-{webhook_id}-{number}",
            "event": "post.created",
            "body": b"{}",
            "state": int(state),
            "attempt_count": 9,
            "last_status": 500,
            "last_error": "refused",
            "created_time": now,
            "next_attempt_time": None,
        }
        for number, state in enumerate(states)
    ]
    await forum.service.foundation.database.write(
        lambda connection: connection.execute(insert(models.webhook_deliveries), rows)
    )


async def deliveries(forum: Any, webhook_id: int, **fields: Any) -> pb.ListDeliveriesResponse:
    request = pb.ListDeliveriesRequest(webhook_id=webhook_id, **fields)
    response: pb.ListDeliveriesResponse = await forum.call("ListDeliveries", request, forum.admin())
    return response


async def test_a_webhook_is_made_with_a_secret_that_is_shown_once(forum: Any) -> None:
    made = await create(forum, events=("reply.created", "post.created", "reply.created"))
    [listed] = await webhooks(forum)

    assert listed == made.webhook
    assert (listed.url, list(listed.events), listed.is_active) == (URL, ["reply.created", "post.created"], True)
    assert made.secret.startswith("whsec_")
    assert len(base64.b64decode(made.secret.removeprefix("whsec_"))) == 24


async def test_a_secret_is_stored_sealed_for_its_webhook(forum: Any) -> None:
    made = await create(forum)
    async with forum.service.foundation.database.read() as connection:
        sealed = (await connection.execute(select(models.webhooks.c.sealed_secret))).scalar_one()

    assert made.secret.encode() not in sealed
    opened = forum.service.foundation.sealer.open(sealed, sealing_context(made.webhook.id))
    assert opened.decode() == made.secret


async def test_given_fields_change_and_a_new_secret_only_on_request(forum: Any) -> None:
    made = await create(forum)
    changed = await update(forum, made.webhook.id, url=f"{URL}/2", events=["reply.deleted"], is_active=False)
    assert (changed.webhook.url, list(changed.webhook.events), changed.webhook.is_active, changed.secret) == (
        f"{URL}/2",
        ["reply.deleted"],
        False,
        "",
    )
    renewed = await update(forum, made.webhook.id, rotate_secret=True)
    assert renewed.secret.startswith("whsec_")
    assert renewed.secret != made.secret
    assert await webhooks(forum) == [changed.webhook] == [renewed.webhook]


async def test_a_repeated_request_makes_one_webhook_and_shows_the_same_secret(forum: Any) -> None:
    request = pb.CreateWebhookRequest(url=URL, events=["post.created"])
    admin = forum.admin()._replace(idempotency_key="key-12345678")
    first, second = [await forum.call("CreateWebhook", request, admin) for _ in range(2)]

    assert first == second
    assert len(await webhooks(forum)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://localhost/",
        "https://api.localhost./",
        "https://10.1.2.3:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/",
        "https://[2002:7f00:1::]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://user:password@hooks.example.org/",
        "https://hooks.example.org:0/",
    ],
)
async def test_an_address_that_may_not_be_called_is_refused(forum: Any, url: str) -> None:
    request = pb.CreateWebhookRequest(url=url, events=["post.created"])
    await forum.refused("CreateWebhook", request, "WEBHOOK_URL_REFUSED", forum.admin())
    made = await create(forum)
    change = pb.UpdateWebhookRequest(webhook_id=made.webhook.id, url=url)
    await forum.refused("UpdateWebhook", change, "WEBHOOK_URL_REFUSED", forum.admin())

    assert await webhooks(forum) == [made.webhook]


@pytest.mark.parametrize("settings_changes", [{"webhook_allow_http": True, "webhook_allowed_networks": "127.0.0.0/8"}])
async def test_a_deployment_may_allow_http_and_networks_of_its_own(forum: Any) -> None:
    made = await create(forum, url="http://127.0.0.1:8080/hook")
    assert made.webhook.url == "http://127.0.0.1:8080/hook"
    request = pb.CreateWebhookRequest(url="http://10.0.0.1/", events=["post.created"])
    await forum.refused("CreateWebhook", request, "WEBHOOK_URL_REFUSED", forum.admin())


@pytest.mark.parametrize(
    ("fields", "violations"),
    [
        ({}, [("url", "REQUIRED"), ("events", "REQUIRED")]),
        ({"url": "ftp://x.example/", "events": ["post.created"]}, [("url", "BAD_FORMAT")]),
        ({"url": URL, "events": ["post.created", "post.liked"]}, [("events.1", "NOT_ALLOWED")]),
        ({"url": URL, "events": ["post.created"] * 21}, [("events", "OUT_OF_RANGE")]),
        ({"url": URL + "x" * 500, "events": ["post.created"]}, [("url", "TOO_LONG")]),
    ],
)
async def test_fields_keep_to_their_rules(forum: Any, fields: Any, violations: list[tuple[str, str]]) -> None:
    request = pb.CreateWebhookRequest(**fields)
    error = await forum.refused("CreateWebhook", request, "INVALID_REQUEST", forum.admin())
    assert [(each.field, each.code) for each in error.violations] == violations


async def test_there_are_at_most_a_hundred(forum: Any) -> None:
    await create(forum)
    values = {
        "url": URL,
        "events": "[]",
        "sealed_secret": b"",
        "is_active": True,
        "is_deleted": False,
        "created_time": datetime.now(UTC),
    }
    rows = [values] * 98
    await forum.service.foundation.database.write(lambda connection: connection.execute(insert(models.webhooks), rows))
    outcomes = await asyncio.gather(*(create(forum) for _ in range(3)), return_exceptions=True)

    assert sum(isinstance(each, Exception) for each in outcomes) == 2
    request = pb.CreateWebhookRequest(url=URL, events=["post.created"])
    error = await forum.refused("CreateWebhook", request, "LIMIT_REACHED", forum.admin())
    assert error.metadata["limit"] == "100"


async def test_a_dropped_webhook_is_gone(forum: Any) -> None:
    made = await create(forum)
    webhook_id = made.webhook.id
    await add_deliveries(forum, webhook_id, pb.DELIVERY_STATE_PENDING)
    await forum.call("DeleteWebhook", pb.DeleteWebhookRequest(webhook_id=webhook_id), forum.admin())

    assert await webhooks(forum) == []
    for method, request in (
        ("DeleteWebhook", pb.DeleteWebhookRequest(webhook_id=webhook_id)),
        ("UpdateWebhook", pb.UpdateWebhookRequest(webhook_id=webhook_id)),
        ("ListDeliveries", pb.ListDeliveriesRequest(webhook_id=webhook_id)),
        ("ReplayDelivery", pb.ReplayDeliveryRequest(webhook_id=webhook_id, delivery_id=1)),
    ):
        await forum.refused(method, request, "WEBHOOK_NOT_FOUND", forum.admin())


async def test_deliveries_are_listed_newest_first_page_by_page(forum: Any) -> None:
    made = (await create(forum)).webhook
    other = (await create(forum)).webhook
    states = (pb.DELIVERY_STATE_PENDING, pb.DELIVERY_STATE_DELIVERED, pb.DELIVERY_STATE_DEAD)
    await add_deliveries(forum, made.id, *states)
    await add_deliveries(forum, other.id, pb.DELIVERY_STATE_DEAD)
    first = await deliveries(forum, made.id, page_size=2)
    second = await deliveries(forum, made.id, page_size=2, page_token=first.next_page_token)

    assert [each.state for each in (*first.deliveries, *second.deliveries)] == list(reversed(states))
    assert second.next_page_token == ""
    [dead] = (await deliveries(forum, made.id, state=pb.DELIVERY_STATE_DEAD)).deliveries
    assert (dead.event, dead.attempt_count, dead.last_status, dead.last_error) == ("post.created", 9, 500, "refused")


async def test_a_list_of_deliveries_refuses_what_it_does_not_know(forum: Any) -> None:
    webhook = (await create(forum)).webhook
    await add_deliveries(forum, webhook.id, *[pb.DELIVERY_STATE_DEAD] * 2)
    token = (await deliveries(forum, webhook.id, page_size=1)).next_page_token
    for fields, reason in (
        ({"page_size": -1}, "INVALID_REQUEST"),
        ({"state": 99}, "INVALID_REQUEST"),
        ({"page_token": "x"}, "PAGE_TOKEN_INVALID"),
        ({"page_token": token, "state": pb.DELIVERY_STATE_DEAD}, "PAGE_TOKEN_INVALID"),
    ):
        request = pb.ListDeliveriesRequest(webhook_id=webhook.id, **fields)
        await forum.refused("ListDeliveries", request, reason, forum.admin())


async def test_a_replayed_delivery_is_due_as_if_it_were_new(forum: Any) -> None:
    webhook, other = (await create(forum)).webhook, (await create(forum)).webhook
    await add_deliveries(forum, webhook.id, pb.DELIVERY_STATE_DEAD)
    [dead] = (await deliveries(forum, webhook.id)).deliveries
    request = pb.ReplayDeliveryRequest(webhook_id=webhook.id, delivery_id=dead.id)
    replayed = (await forum.call("ReplayDelivery", request, forum.admin())).delivery

    assert (replayed.id, replayed.event_id, replayed.state) == (dead.id, dead.event_id, pb.DELIVERY_STATE_PENDING)
    assert replayed.attempt_count == 0
    assert replayed.HasField("next_attempt_time")
    for webhook_id, delivery_id in ((other.id, dead.id), (webhook.id, dead.id + 100)):
        request = pb.ReplayDeliveryRequest(webhook_id=webhook_id, delivery_id=delivery_id)
        await forum.refused("ReplayDelivery", request, "DELIVERY_NOT_FOUND", forum.admin())


@pytest.mark.parametrize("role", ["user", "moderator"])
async def test_webhooks_are_for_admins_alone(forum: Any, role: str) -> None:
    caller: Caller = forum.user("somebody", role)
    for method, request in (
        ("CreateWebhook", pb.CreateWebhookRequest(url=URL, events=["post.created"])),
        ("UpdateWebhook", pb.UpdateWebhookRequest(webhook_id=1)),
        ("ListWebhooks", pb.ListWebhooksRequest()),
        ("DeleteWebhook", pb.DeleteWebhookRequest(webhook_id=1)),
        ("ListDeliveries", pb.ListDeliveriesRequest(webhook_id=1)),
        ("ReplayDelivery", pb.ReplayDeliveryRequest(webhook_id=1, delivery_id=1)),
    ):
        await forum.refused(method, request, "PERMISSION_DENIED", caller)


async def test_each_change_is_in_the_audit_log_without_the_address(forum: Any) -> None:
    webhook_id = (await create(forum)).webhook.id
    await update(forum, webhook_id, is_active=False)
    await forum.call("DeleteWebhook", pb.DeleteWebhookRequest(webhook_id=webhook_id), forum.admin())
    columns = (models.audit_entries.c.actor_id, models.audit_entries.c.action, models.audit_entries.c.detail)
    async with forum.service.foundation.database.read() as connection:
        rows = (await connection.execute(select(*columns).order_by(models.audit_entries.c.id))).all()

    actions = ("webhook.create", "webhook.update", "webhook.delete")
    assert [tuple(row) for row in rows] == [(forum.admin().user_id, action, str(webhook_id)) for action in actions]
