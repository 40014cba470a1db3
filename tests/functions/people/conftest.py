"""Children, parents and schools: the people and organizations of `tests.functions.organizations`."""

from tests.functions.organizations.conftest import people

__all__ = ["people"]
