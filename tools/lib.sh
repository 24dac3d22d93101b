# Sourced by the tools of this folder: where things are, and what must be installed.
# The only list of Debian packages in this repository.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# What must be there = the Debian package that brings it. A command, a pkg-config
# module (.pc), or a file.
needs_build=(
	cc=gcc /usr/include/stdio.h=libc6-dev cmake=cmake ninja=ninja-build pkg-config=pkgconf
	libcjson.pc=libcjson-dev libcrypto.pc=libssl-dev libcurl.pc=libcurl4-openssl-dev libdeflate.pc=libdeflate-dev expat.pc=libexpat1-dev
	libutf8proc.pc=libutf8proc-dev libzip.pc=libzip-dev libzstd.pc=libzstd-dev sqlite3.pc=libsqlite3-dev
	zlib.pc=zlib1g-dev sqlite3=sqlite3)
# servers that the tests push to, beside what tools/node-modules brings
needs_servers=(
	ceph-mon=ceph-mon ceph-osd=ceph-osd radosgw=radosgw monmaptool=ceph-base ceph=ceph-common curl=curl openssl=openssl)
needs_check=(
	"${needs_build[@]}" "${needs_servers[@]}" cmocka.pc=libcmocka-dev c++=g++
	# linters and the compiler of the sample's engines
	clang=clang wasm-ld=lld clang-tidy=clang-tidy cppcheck=cppcheck
	# programs that read what we write
	unzip=unzip zip=zip 7z=p7zip-full bsdtar=libarchive-tools python3=python3 node=nodejs npm=npm
	chromium=chromium rclone=rclone pigz=pigz busybox=busybox zstd=zstd mkfs.xfs=xfsprogs filefrag=e2fsprogs
	/usr/lib/python3/dist-packages/jsonschema/__init__.py=python3-jsonschema
	# what Debian's libzip.pc names for static linking, and its package does not bring
	/usr/include/bzlib.h=libbz2-dev
	# what tests are made with
	git=git jq=jq patch=patch /usr/share/i18n/locales/de_DE=locales /etc/ssl/certs/ca-certificates.crt=ca-certificates)
needs_long=(
	valgrind=valgrind swift-proxy-server=swift-proxy swift-account-server=swift-account
	swift-container-server=swift-container swift-object-server=swift-object memcached=memcached)
needs_coverage=("${needs_check[@]}" gcovr=gcovr)
needs_fuzz=(
	"${needs_build[@]}" cmocka.pc=libcmocka-dev c++=g++ clang=clang
	/usr/lib/llvm-14/lib/clang/14.0.6/include/fuzzer/FuzzedDataProvider.h=libclang-rt-14-dev)
# tools/bench needs these, and compares with the peers that it can get
needs_bench=("${needs_build[@]}" python3=python3)
# with --remote also: libcurl, for what is compared with it (bench.d/bare.c), is of needs_build
needs_bench_remote=("${needs_servers[@]}" jq=jq)
bench_peers=(
	zip=zip unzip=unzip 7z=p7zip-full openssl=openssl node=nodejs npm=npm restic=restic borg=borgbackup
	casync=casync mkfs.xfs=xfsprogs git=git strace=strace
	rsync=rsync clang=clang wasm-ld=lld)

is_there() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*.pc) command -v pkg-config >/dev/null && pkg-config --exists "${1%.pc}" ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# install_missing NEED...: whatever is missing, with apt. Does nothing when all is there.
install_missing() {
	local need missing=() apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
	for need; do
		is_there "${need%%=*}" || missing+=("${need#*=}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing ${missing[*]}"
	command -v apt-get >/dev/null || die "this is no Debian: install the equivalents of ${missing[*]} yourself"
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || die "run as root, or install these first: apt-get install ${missing[*]}"
		apt=(sudo "${apt[@]}")
	fi
	"${apt[@]}" update
	"${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
	for need; do
		is_there "${need%%=*}" || die "${need#*=} is installed, but ${need%%=*} is still missing"
	done
}

# step NAME COMMAND...: run it, say how long it took; on failure say so and return its status.
step() {
	local name=$1 status=0 begin=$SECONDS
	shift
	say "== $name"
	"$@" || status=$?
	[ $status -eq 0 ] || say "== $name: FAILED (exit status $status)"
	say "== $name: $((SECONDS - begin)) s"
	return $status
}

# configure DIR CMAKE-OPTION...: a build folder of ours in build/.
configure() {
	local dir=$1
	shift
	cmake -S "$root" -B "$dir" -G Ninja "$@" >"$dir.log" 2>&1 || { cat "$dir.log"; return 1; }
}

# bench_programs DIR: what makes the contents of big models and what measures a command, built in DIR.
bench_programs() {
	local program
	for program in corpus measure; do
		cc -O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra "$root/tools/bench.d/$program.c" -o "$1/$program" || return 1
	done
	cc -O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra "$root/tools/bench.d/bare.c" -o "$1/bare" -lcurl -lcrypto
}
