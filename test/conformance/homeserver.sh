#!/usr/bin/env bash
# Starts one homeserver for the conformance suite, or for a load on loopback. From the environment:
#   SERVER_NAME  the server's name (required)
#   DATA         configuration, key and database (/data)
#   BIND         the address to listen on (0.0.0.0)
#   HTTP_PORT    plain HTTP, both APIs: the suite looks for unknown endpoints of either here (8008)
#   TLS_PORT     HTTPS, federation API (8448)
#   CA_DIR       ca.crt and ca.key, which sign the server's certificate (/complement/ca); without it no TLS listener
#   APPSERVICES  registrations of application services, *.yaml (/complement/appservice)
# What the suite expects differs from the product's own defaults; conformance.yaml has the differences.
set -euo pipefail
: "${SERVER_NAME:?is missing: the name of the server}"
DATA=${DATA:-/data} BIND=${BIND:-0.0.0.0} HTTP_PORT=${HTTP_PORT:-8008} TLS_PORT=${TLS_PORT:-8448}
CA_DIR=${CA_DIR:-/complement/ca} APPSERVICES=${APPSERVICES:-/complement/appservice}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bongsu() { "$root/bongsu" --config "$DATA/config.yaml" "$@"; }

mkdir -p "$DATA"
[ -f "$DATA/config.yaml" ] || bongsu init --server-name "$SERVER_NAME"

tls=
if [ -f "$CA_DIR/ca.key" ]; then
  if [ ! -f "$DATA/tls.crt" ]; then
    openssl req -new -newkey rsa:2048 -nodes -keyout "$DATA/tls.key" -subj "/CN=$SERVER_NAME" -out "$DATA/tls.csr" 2>/dev/null
    openssl x509 -req -in "$DATA/tls.csr" -CA "$CA_DIR/ca.crt" -CAkey "$CA_DIR/ca.key" -set_serial "0x$(openssl rand -hex 8)" \
      -days 30 -sha256 -extfile <(printf 'subjectAltName=DNS:%s' "$SERVER_NAME") -out "$DATA/tls.crt" 2>/dev/null
  fi
  tls="  - { address: '$BIND', port: $TLS_PORT, serves: [client, federation], tls: { certificate_file: tls.crt, key_file: tls.key } }"
fi
registrations=
for file in "$APPSERVICES"/*.yaml; do
  [ ! -f "$file" ] || registrations+="  - { registration_file: '$file' }"$'\n'
done
{
  echo "server_name: '$SERVER_NAME'"
  echo 'listeners:'
  echo "  - { address: '$BIND', port: $HTTP_PORT, serves: [client, federation, health] }"
  [ -z "$tls" ] || echo "$tls"
  cat "$here/conformance.yaml"
  [ -z "$registrations" ] || printf 'application_services:\n%s' "$registrations"
  [ -z "$tls" ] || echo "outbound: { allow: ['0.0.0.0/0', '::/0'], authorities_file: '$CA_DIR/ca.crt' }"
} > "$DATA/config.yaml"
exec "$root/bongsu" --config "$DATA/config.yaml" start
