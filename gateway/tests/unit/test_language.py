import pytest

from gateway.language import Language, negotiate


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "zh"),
        ("en", "en"),
        ("EN-us", "en"),
        ("zh-CN", "zh"),
        ("zh-Hant;q=0.4, en;q=0.5", "en"),
        ("en;q=0.4, zh;q=0.5", "zh"),
        ("en, zh", "zh"),
        ("en;q=0", "zh"),
        ("*", "zh"),
        ("fr, de;q=0.5", "zh"),
        ("fr, en;q=0.1", "en"),
        ("en;q=nonsense", "zh"),
        ("en;q=7", "zh"),
        ("en;level=1", "en"),
        (";;,,=", "zh"),
        ("english", "zh"),
        ("fr," * 200 + "en", "en"),
    ],
)
def test_highest_weight_wins_and_the_route_decides_otherwise(header: str, expected: Language) -> None:
    assert negotiate(header, "zh") == expected


def test_default_is_the_routes() -> None:
    assert negotiate("fr", "en") == "en"
