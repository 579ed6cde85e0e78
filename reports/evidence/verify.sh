#!/bin/sh
# Checks an unpacked evidence export with sh, openssl (3.0 or newer) and sha256sum alone.
# 仅用 sh、openssl（3.0 或更新）和 sha256sum 核验解包后的证据。
# Prints each thing that is wrong; exit code 0 when nothing is, 5 when something is.
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")" || exit 5
wrong=0
count=0
scratch=$(mktemp) || exit 5
trap 'rm -f "$scratch"' EXIT

bad() {
    echo "WRONG / 不符: $*"
    wrong=$((wrong + 1))
}

# signed KEY DATA SIGNATURE
signed() {
    openssl pkeyutl -verify -pubin -inkey "$1" -rawin -in "$2" -sigfile "$3" >/dev/null 2>&1
}

digest() {
    sha256sum "$1" | cut -c 1-64
}

field() {
    sed -n "$2p" "$1"
}

for key in keys/*.pem; do
    name=${key%.pem}
    signed "$key" "$name.signed" "$name.signature" || bad "$name.signature"
    if [ -e "$name.former.signature" ]; then
        vouched=no
        for former in keys/*.pem; do
            if [ "$former" != "$key" ] && signed "$former" "$name.signed" "$name.former.signature"; then
                vouched=yes
            fi
        done
        [ $vouched = yes ] || bad "$name.former.signature"
    fi
done

before=
number=0
for envelope in $(ls reports 2>/dev/null | grep '^[0-9]*\.envelope$' | sort -n); do
    envelope=reports/$envelope
    name=${envelope%.envelope}
    count=$((count + 1))
    key=keys/$(field "$envelope" 3).pem
    signed "$key" "$envelope" "$name.signature" || bad "$name.signature"
    [ "$(digest "$name.body")" = "$(field "$envelope" 9)" ] || bad "$name.body"
    seq=$(field "$envelope" 4)
    if [ "$seq" = $((number + 1)) ] && [ -n "$before" ]; then
        [ "$(field "$envelope" 5)" = "$before" ] || echo "fork / 分叉: $name"
    elif [ $number != 0 ]; then
        echo "missing / 缺失: $((number + 1)) - $((seq - 1))"
    fi
    number=$seq
    before=$(digest "$envelope")
    signed server.pem "$name.receipt" "$name.receipt.signature" || bad "$name.receipt.signature"
    [ "$(field "$name.receipt" 4)" = "$before" ] || bad "$name.receipt"
    place=" $(field "$name.receipt" 4) $(field "$name.receipt" 5) $(field "$name.receipt" 7)"
    awk -v position="$(field "$name.receipt" 6)" -v place="$place" \
        '$1 == position { found = (" " $3 " " $4 " " $5 == place); exit } END { exit !found }' chain.txt ||
        bad "$name.receipt: chain.txt"
done

last=0
head=
while read -r position former report at after; do
    printf '%s\n%s\n%s\n' "$former" "$report" "$at" >"$scratch"
    [ "$(digest "$scratch")" = "$after" ] || bad "chain.txt: $position"
    if [ "$position" = $((last + 1)) ] && [ -n "$head" ]; then
        [ "$former" = "$head" ] || bad "chain.txt: $position"
    fi
    last=$position
    head=$after
done <chain.txt

for envelope in conflicts/*.envelope; do
    [ -e "$envelope" ] || continue
    name=${envelope%.envelope}
    signed "keys/$(field "$envelope" 3).pem" "$envelope" "$name.signature" || bad "$name.signature"
    [ "$(digest "$name.body")" = "$(field "$envelope" 9)" ] || bad "$name.body"
done

wanted=$(sed -n 's/^  "count": \([0-9]*\),$/\1/p' record.json)
[ "$count" = "$wanted" ] || bad "record.json: $wanted <> $count"
echo "reports / 报告: $count   wrong / 不符: $wrong"
[ $wrong -eq 0 ] || exit 5
