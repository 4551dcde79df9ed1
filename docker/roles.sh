#!/bin/sh
# First start of the database: the login of the web processes, a member of the role that runs without owner rights.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set=password="$LANH_WEB_PASSWORD" <<'SQL'
CREATE ROLE lanh_app NOLOGIN;
CREATE ROLE lanh_web LOGIN IN ROLE lanh_app PASSWORD :'password';
SQL
