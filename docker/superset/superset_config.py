"""Superset behind our server: it believes the header that app/ui/proxy_rules.py sets, and nobody else reaches it."""

import os

from flask_appbuilder.const import AUTH_REMOTE_USER

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
AUTH_TYPE = AUTH_REMOTE_USER
AUTH_REMOTE_USER_ENV_VAR = "HTTP_X_WEBAUTH_EMAIL"
AUTH_USER_REGISTRATION = True
# Whoever has sql:read here may add a connection there; the network holds nothing to connect to but PostgreSQL.
AUTH_USER_REGISTRATION_ROLE = "Admin"
