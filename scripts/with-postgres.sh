#!/bin/sh
# Runs a command with TEST_PG set to a PostgreSQL of its own, in a temporary directory, which ends with the command.
# Installs PostgreSQL where there is none. When this is root, the server runs as the user postgres.
set -eu

binaries() {
  for initdb in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
    [ -x "$initdb" ] && dirname "$initdb" && return
  done
  return 1
}

if ! binaries >/dev/null; then
  echo 'Installing PostgreSQL ...' >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends postgresql >&2
fi
bin=$(binaries)
home=$(mktemp -d)
chmod 755 "$home"

as_server() {
  if [ "$(id -u)" = 0 ]; then su postgres -s /bin/sh -c "$1"; else sh -c "$1"; fi
}
[ "$(id -u)" = 0 ] && chown postgres "$home"

finish() {
  as_server "'$bin/pg_ctl' -D '$home/data' -m immediate stop" >/dev/null 2>&1 || true
  rm -rf "$home"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Durability is not what these tests are about: without it they are faster.
as_server "'$bin/initdb' -D '$home/data' -U postgres -A trust -E UTF8 --locale=C --no-sync" >/dev/null
as_server "'$bin/pg_ctl' -D '$home/data' -w -l '$home/log' \
  -o \"-k '$home' -c listen_addresses='' -c fsync=off -c max_connections=200\" start" >/dev/null
as_server "'$bin/createdb' -h '$home' -U postgres bongsu"

TEST_PG="postgres://postgres@localhost/bongsu?host=$home" "$@"
