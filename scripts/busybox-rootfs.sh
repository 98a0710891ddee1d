#!/bin/sh
# busybox-rootfs.sh OUT.tar: a root file system of nothing but the distribution's static busybox, as a tar archive.
# Same busybox, same bytes. Stands in for the `busybox` image where no registry can be reached.
set -eu
out=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/home" "$root/proc" "$root/root" "$root/sys" "$root/tmp" \
  "$root/usr/bin" "$root/usr/sbin" "$root/sbin" "$root/var/spool/mail" "$root/var/www"
cp "$(command -v busybox)" "$root/bin/busybox"
chmod 0755 "$root/bin/busybox"
for applet in $("$root/bin/busybox" --list); do
  [ "$applet" = busybox ] || ln "$root/bin/busybox" "$root/bin/$applet"
done
ln -s ../../bin/env "$root/usr/bin/env"
chmod 1777 "$root/tmp"
chmod 0700 "$root/root"
cat >"$root/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
PASSWD
cat >"$root/etc/group" <<'GROUP'
root:x:0:
daemon:x:1:
tty:x:5:
users:x:100:
www-data:x:33:
nogroup:x:65534:
GROUP
mkdir -p "$(dirname "$out")"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --format=posix \
  --pax-option=delete=atime,delete=ctime -C "$root" -cf "$out.tmp" .
mv "$out.tmp" "$out"
