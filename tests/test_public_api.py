"""The public names: they exist, are documented, and nothing else is offered."""

import inspect

import pytest

import ostinato


@pytest.mark.parametrize("name", ostinato.__all__)
def test_every_public_name_exists_and_is_documented(name):
    assert inspect.getdoc(getattr(ostinato, name))


def test_the_list_is_what_dir_shows():
    assert dir(ostinato) == sorted(ostinato.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Forecastr'"):
        _ = ostinato.Forecastr


@pytest.mark.parametrize("name", ostinato.__all__)
def test_public_methods_are_documented(name):
    thing = getattr(ostinato, name)
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            if inspect.isfunction(value) and not member.startswith("_"):
                assert inspect.getdoc(value), f"{name}.{member}"
