#!/usr/bin/env bash
# Replaces a token by a new one with the same rights, and shows that the old one is dead.
#
#   rotate-token.sh CREDENTIALS TOKEN_FILE
#
# CREDENTIALS  the configuration of tidegate or influxctl, such as tidegate-data/credentials.toml
# TOKEN_FILE   where the programs that use the token read it; the id of the token is kept beside it, in TOKEN_FILE.id.
#              To begin with, make both with:  rotate-token.sh --first CREDENTIALS TOKEN_FILE FLAGS DESCRIPTION
#              where FLAGS are those of `token create`, such as --read-database plant7
#
# TIDEGATE names the program, else `tidegate` is looked up in the PATH. Needs jq.
#
# The order is what matters: the new token is in its place before the old one dies, so no reader is left without. When
# `token revoke` has answered, nothing that the old token started goes on, so the script can prove it at once.
#
# The tests of this project run this script against the real server (tests/e2e/examples.rs).
set -euo pipefail
umask 077

tidegate() { "${TIDEGATE:-tidegate}" --config "$credentials" "$@"; }

# Puts standard input into a file that is there whole or not at all.
replace() { cat >"$1.new" && mv -f "$1.new" "$1"; }

# Writes the token and its id from the answer of `token create --format json`. The token never becomes an argument.
keep() {
    local answer
    answer=$(cat)
    jq --exit-status --raw-output .token <<<"$answer" | replace "$token_file"
    jq --exit-status --raw-output .id <<<"$answer" | replace "$token_file.id"
}

if [ "${1:-}" = --first ]; then
    credentials=$2 token_file=$3
    shift 3
    tidegate token create --format json "$@" | keep
    exit
fi

credentials=$1 token_file=$2
old_id=$(cat "$token_file.id")
old=$(tidegate token get --format json "$old_id")
description=$(jq --raw-output .description <<<"$old")
flags=()
while IFS=$'\t' read -r action database; do
    flags+=("--$action-database" "$database")
done < <(jq --raw-output '.permissions[] | [.action, .resource] | @tsv' <<<"$old")

cp -p "$token_file" "$token_file.old"
trap 'rm -f "$token_file.old"' EXIT
tidegate token create --format json "${flags[@]}" "$description" | keep
if ! tidegate token revoke --force "$old_id"; then
    echo "the new token is in its place, but the old one may live: run \`tidegate token revoke $old_id\`" >&2
    exit 1
fi

# Whether a token is alive is looked at before what it may do, so any query will tell.
if refusal=$(tidegate query --database "${database:-any}" --token-file "$token_file.old" 'SELECT 1' 2>&1); then
    echo "the old token still works" >&2
    exit 1
fi
if ! grep --quiet --word-regexp 401 <<<"$refusal"; then
    echo "the old token failed, but not because it is revoked: $refusal" >&2
    exit 1
fi
echo "token $old_id is replaced by $(cat "$token_file.id"), and refused with 401"
