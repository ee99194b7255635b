# shellcheck shell=bash
# A fresh Debian root under build/ and a chroot in it, for tools that try what a user does on a bare system. Sourced, by who
# has set `root`, `say` and `die`.
#
# The mounts are made in a mount namespace of its own and the processes in a process namespace, so that both are gone when
# it ends, however it ends: nothing is left to be unmounted or killed.
release=bookworm

# This machine's lists of archives that have the release. Others may need tools that a bare system lacks, and nothing is
# taken from them.
sources() {
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    if [ -f "$file" ] && grep -q "$release" "$file" && grep -q '/debian' "$file"; then echo "$file"; fi
  done
}

# The first archive that this machine takes packages from, so that a mirror or a proxy set up here is used there.
mirror() {
  local found
  found=$(sources | xargs -r sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' |
    awk '/^(https?|file):.*debian/ && !seen++')
  [ -n "$found" ] || die "no Debian archive in this machine's apt sources"
  echo "$found"
}

check_machine() {
  [ "$(id -u)" = 0 ] || die "needs root, for chroot and mounts: run it as root or with sudo"
  [ -x /usr/sbin/debootstrap ] || die "needs debootstrap, which is not installed"
  unshare --mount --pid --fork --propagation private true 2>/dev/null ||
    die "this machine does not allow mount namespaces (a container without CAP_SYS_ADMIN?), so no chroot can be made"
  if grep -q " $root/" /proc/self/mounts; then die "something is mounted under $root; unmount it first"; fi
}

# fresh_root PACKAGES: minbase and those, comma-separated.
fresh_root() {
  say "debootstrap $release, minbase and $1"
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  local from also=$1
  from=$(mirror)
  case $from in https:*) also=$also,ca-certificates ;; esac
  /usr/sbin/debootstrap --variant=minbase --include="$also" "$release" "$root" "$from"
  copy_network
}

# How this machine reaches packages: its sources with their keys, its proxies, its name servers.
copy_network() {
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  rm -f "$root/etc/apt/sources.list"
  for file in $(sources); do cp "$file" "$root$file"; done
  for file in $(sources | xargs -r sed -n 's/^Signed-By: *//p; s/.*signed-by=\([^] ]*\).*/\1/p') \
    /etc/apt/trusted.gpg.d/*; do
    if [ -f "$file" ] && [ ! -e "$root$file" ]; then
      mkdir -p "$root$(dirname "$file")"
      cp "$file" "$root$file"
    fi
  done
  for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    if grep -qsiE 'proxy|::Verify-|::CaInfo' "$file"; then cp "$file" "$root$file"; fi
  done
  # Certificates of this machine's own: taken up there when ca-certificates is.
  for file in /usr/local/share/ca-certificates/*.crt; do
    if [ -f "$file" ]; then
      mkdir -p "$root$(dirname "$file")"
      cp "$file" "$root$file"
    fi
  done
}

# in_root SCRIPT [FOLDER]: runs it there, with this machine's devices and control groups.
in_root() {
  unshare --mount --pid --fork --kill-child --propagation private sh -eu -c '
    root=$1
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      TERM=dumb LANG=C.UTF-8 $(env | grep -iE "^(https?|no|ftp)_proxy=" || true) bash -euc "$2"
  ' in_root "$root" "cd ${2:-/root}
$1"
}
