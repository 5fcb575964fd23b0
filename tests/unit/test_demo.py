"""The demo: what it prints can be typed."""

from callcenter.demo import new_password


def test_a_password_is_no_option_of_a_command() -> None:
    """One demo in 64 did not start: its password began with a dash."""
    assert all(new_password().isalnum() for _ in range(500))
