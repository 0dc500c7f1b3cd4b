"""Signing keys: rotation without restart, a service that is away, storms of unknown key ids."""

from functools import partial

from gateway_support.checks import assert_problem
from gateway_support.deployment import Deploy, Deployment
from gateway_support.issuing import Issuer

from plaza_kit.testing.polling import eventually


def status(edge: Deployment, token: str) -> int:
    with edge.client(token) as client:
        return client.get("/users/profile/").status_code


def has_looked(edge: Deployment, times: int) -> bool:
    return edge.fakes.count("GetJwks") >= times


def test_token_of_a_new_key_is_taken_at_once(deploying: Deploy) -> None:
    edge = deploying()
    following = Issuer(kid="k2")
    assert status(edge, edge.issuer.token()) == 200
    edge.fakes.keys = [edge.issuer.jwk(), following.jwk()]
    assert status(edge, following.token()) == 200
    assert status(edge, edge.issuer.token()) == 200


async def test_withdrawn_key_is_refused_although_its_tokens_were_remembered(deploying: Deploy) -> None:
    edge = deploying(jwks_refresh=0.1)
    old = edge.issuer.token()
    assert status(edge, old) == 200
    edge.fakes.keys = [Issuer(kid="k2").jwk()]
    await eventually(lambda: status(edge, old) == 401)


async def test_last_good_keys_outlive_the_auth_service(deploying: Deploy) -> None:
    edge = deploying(jwks_refresh=0.1)
    edge.backend.stop()
    looked = edge.app.runtime.keys
    await eventually(lambda: edge.thread.run(looked._look()) is False)
    with edge.client() as client:
        # The token is good (no 401); only the service behind is away.
        assert_problem(client.get("/users/profile/"), 503, "UNAVAILABLE")
        assert client.get("/.well-known/jwks.json").status_code == 200
        assert client.get("/readyz").status_code == 200


async def test_empty_or_broken_key_sets_replace_nothing(deploying: Deploy) -> None:
    edge = deploying(jwks_refresh=0.05)
    broken = edge.issuer.jwk()
    broken.x = "AAAA"
    for keys in ([], [broken]):
        edge.fakes.keys = keys
        wanted = edge.fakes.count("GetJwks") + 3
        await eventually(partial(has_looked, edge, wanted))
        assert status(edge, edge.issuer.token()) == 200


def test_unknown_key_ids_cause_no_storm(deploying: Deploy) -> None:
    edge = deploying(jwks_cooldown=60)
    before = edge.fakes.count("GetJwks")
    for number in range(50):
        assert status(edge, Issuer(kid=f"unknown-{number}").token()) == 401
    assert edge.fakes.count("GetJwks") == before + 1


def test_without_keys_the_gateway_is_not_ready_and_judges_no_token(deploying: Deploy) -> None:
    edge = deploying(wait=False, auth_target="127.0.0.1:1")
    with edge.client() as client:
        assert_problem(client.get("/readyz"), 503, "UNAVAILABLE")
        assert client.get("/livez").status_code == 200
        assert_problem(client.get("/users/profile/"), 503, "UNAVAILABLE")
        assert_problem(client.get("/.well-known/jwks.json"), 503, "UNAVAILABLE")
