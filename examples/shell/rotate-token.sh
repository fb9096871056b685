#!/usr/bin/env bash
# Replaces a token by a new one with the same rights and the same end, and shows that the old one is dead.
#
#   rotate-token.sh CREDENTIALS TOKEN_FILE
#
# CREDENTIALS  the configuration of tidegate or influxctl, such as tidegate-data/credentials.toml
# TOKEN_FILE   where the programs that use the token read it; the id of the token is kept beside it, in TOKEN_FILE.id.
#              To begin with, make both with:  rotate-token.sh --first CREDENTIALS TOKEN_FILE FLAGS DESCRIPTION
#              where FLAGS are those of `token create`, such as --read-database plant7, and DESCRIPTION is the last word
#
# TIDEGATE names the program, else `tidegate` is looked up in the PATH. Needs jq.
#
# The order is what matters: the new token is in its place before the old one dies, so no reader is left without. When
# `token revoke` has answered, nothing that the old token started goes on, so the script can prove it at once.
#
# A run that was interrupted is finished by the next one: until the old token is revoked, TOKEN_FILE.id has its id, and
# TOKEN_FILE.new has the answer that holds the new one's.
#
# The tests of this project run this script against the real server (tests/e2e/examples.rs).
set -euo pipefail
umask 077

tidegate() { "${TIDEGATE:-tidegate}" --config "$credentials" "$@"; }

fail() {
    echo "$1" >&2
    exit 1
}

# A member of a JSON object on standard input. Fails if it is missing or empty.
member() { jq --exit-status --raw-output --arg name "$1" '.[$name] | strings | select(. != "")'; }

# The end of a token, which is shown in seconds since 1970 and nanoseconds, as `--expires-at` takes it; else nothing.
rfc_3339='.expires_at // empty
    | (.seconds // 0 | todate | rtrimstr("Z")) + "." + (1000000000 + (.nanos // 0) | tostring[1:]) + "Z"'

# Puts a text into a file that is there whole or not at all.
replace() {
    printf '%s\n' "$2" >"$1.part"
    mv -f "$1.part" "$1"
}

# Makes a token. The answer is in a file before anything else happens, so that its id is known whatever comes next.
create() {
    local description=$1
    shift
    if ! (set -o noclobber && : >"$token_file.new"); then
        fail "another run is at work on $token_file"
    fi
    if ! tidegate token create --format json "$@" -- "$description" >"$token_file.new"; then
        rm -f "$token_file.new"
        fail "making a token failed, and $token_file is as it was"
    fi
}

# Sets `new` and `new_id` from the answer. The token never becomes an argument of a program.
read_answer() {
    if ! new=$(member token <"$token_file.new") || ! new_id=$(member id <"$token_file.new"); then
        fail "$token_file.new holds no token: another run is at work, or was cut off while a token was made. If none is \
at work, look for that token in \`tidegate token list\`, revoke it, and remove the file"
    fi
}

if [ "${1:-}" = --first ]; then
    [ $# -ge 4 ] || fail "usage: rotate-token.sh --first CREDENTIALS TOKEN_FILE FLAGS DESCRIPTION"
    credentials=$2 token_file=$3
    if [ -e "$token_file.id" ]; then
        fail "$token_file.id is there: that token must not be forgotten, so rotate it, or revoke it and remove the file"
    fi
    [ -e "$token_file.new" ] || create "${*: -1}" "${@:4:$#-4}"
    read_answer
    replace "$token_file" "$new"
    replace "$token_file.id" "$new_id"
    rm -f "$token_file.new"
    exit
fi

[ $# -eq 2 ] || fail "usage: rotate-token.sh CREDENTIALS TOKEN_FILE"
credentials=$1 token_file=$2
old_id=$(cat "$token_file.id")
[ -n "$old_id" ] || fail "$token_file.id is empty: write the id of the token in $token_file into it"
old=$(tidegate token get --include-revoked --format json "$old_id")

if [ ! -e "$token_file.new" ]; then
    rm -f "$token_file.old"
    description=$(member description <<<"$old")
    permissions=$(jq --exit-status --raw-output '.permissions[] | [.action, .resource] | @tsv' <<<"$old")
    flags=()
    while IFS=$'\t' read -r action database; do
        flags+=("--$action-database" "$database")
    done <<<"$permissions"
    expires_at=$(jq --raw-output "$rfc_3339" <<<"$old")
    [ -z "$expires_at" ] || flags+=(--expires-at "$expires_at")
    create "$description" "${flags[@]}"
fi
read_answer

if [ "$new_id" != "$old_id" ]; then
    if [ ! -e "$token_file.old" ]; then
        cp -p "$token_file" "$token_file.old.part"
        mv -f "$token_file.old.part" "$token_file.old"
    fi
    replace "$token_file" "$new"
    revoked_at=$(jq --raw-output '.revoked_at // empty' <<<"$old")
    if [ -z "$revoked_at" ] && ! tidegate token revoke --force "$old_id"; then
        fail "the new token is in its place, but the old one, $old_id, may live: run this again"
    fi

    # Whether a token is alive is looked at before what it may do, so any query will tell.
    if refusal=$(tidegate query --database any --token-file "$token_file.old" 'SELECT 1' 2>&1); then
        fail "the old token still works"
    fi
    if ! grep --quiet --word-regexp 401 <<<"$refusal"; then
        fail "the old token failed, but not because it is revoked: $refusal"
    fi
    replace "$token_file.id" "$new_id"
    echo "token $old_id is replaced by $new_id, and refused with 401"
else
    echo "the run before this one had done everything"
fi
rm -f "$token_file.new" "$token_file.old"
