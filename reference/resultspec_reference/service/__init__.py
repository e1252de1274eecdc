"""The managed service: keeps the results of many tenants in a bucket, and gives each back to its tenant alone."""

from ._app import create_app
from ._tenants import Tenants, new_token

__all__ = ["Tenants", "create_app", "new_token"]
