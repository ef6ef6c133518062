#!/bin/sh
# Writes FOLDER/passwd, FOLDER/group and FOLDER/shadow: the machine's own accounts without their
# passwords, and one account for each "name:password" line of FOLDER/accounts. A server that
# knows system accounts only is given them by private.sh; the machine's own files stay as they are.
#
# usage: accounts.sh FOLDER HOME SHELL
set -eu
folder=$1 home=$2 shell=$3
cp /etc/passwd "$folder/passwd"
cp /etc/group "$folder/group"
sed 's/^\([^:]*\):[^:]*/\1:*/' /etc/shadow > "$folder/shadow"
number=20000
while IFS=: read -r name password; do
    hash=$(openssl passwd -6 -- "$password")
    echo "$name:x:$number:20000::$home:$shell" >> "$folder/passwd"
    echo "$name:$hash:19700:0:99999:7:::" >> "$folder/shadow"
    number=$((number + 1))
done < "$folder/accounts"
echo "accounts:x:20000:" >> "$folder/group"
chmod 640 "$folder/shadow"
