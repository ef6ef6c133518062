#!/bin/sh
# Runs a command that sees some files of its own in place of the machine's, in a mount namespace
# that nobody else sees. ROOT holds unpacked packages that the command is to find in /usr as if
# they were installed ("-" for none); each SOURCE:TARGET shows SOURCE where TARGET is.
#
# usage: private.sh ROOT [SOURCE:TARGET]... -- COMMAND [ARGUMENT]...
set -eu
if [ "${PRIVATE_MOUNTS:-}" != yes ]; then
    PRIVATE_MOUNTS=yes exec unshare --mount sh "$0" "$@"
fi
unset PRIVATE_MOUNTS
if [ "$1" != - ]; then
    mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr
fi
shift
while [ "$1" != -- ]; do
    mount --bind "${1%%:*}" "${1#*:}"
    shift
done
shift
exec "$@"
