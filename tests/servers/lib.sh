# Sourced by the servers of this folder, each of which is called
#
#   NAME start DIR [OPTION...]   start it with all that it keeps in DIR; when this returns it answers, and
#                                DIR/env (for a shell) says where, with which credentials
#   NAME stop DIR                end all that was started for DIR; also what an earlier start left that was killed
#
# A server listens on 127.0.0.1 only. Each of its processes has the folder in its environment: by that it is found
# again, by whomever it was started. DIR/log stays when it is stopped.
set -euo pipefail
export LC_ALL=C.UTF-8
unset CDPATH
server=${0##*/}
here=$(cd "$(dirname "$0")" && pwd)

fail() {
	echo "$server: $*" >&2
	tail -v -n 8 "$dir"/log/* >&2 2>/dev/null || true
	exit 1
}

# need COMMAND PACKAGE: PACKAGE is Debian's name for it.
need() { command -v "$1" >/dev/null || fail "$1 is missing: apt-get install $2, or run tools/check, which does"; }

# run NAME COMMAND...: one that stays when this script is gone; $! is its pid, DIR/pid/NAME has it.
run() {
	local name=$1
	shift
	PANNIER_SERVER=$dir setsid "$@" </dev/null >>"$dir/log/$name" 2>&1 &
	echo $! >"$dir/pid/$name"
	disown
}

# The pids of all that runs for DIR.
running() { grep -lzxF "PANNIER_SERVER=$dir" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 || true; }

end_all() {
	local pids
	while pids=$(running) && [ -n "$pids" ]; do
		# What is of no use afterwards need not end in good order.
		kill -9 $pids 2>/dev/null || true
		sleep 0.01
	done
}

# A port on which nobody listens, below those that the kernel gives to clients.
free_port() {
	local port
	while port=$((20000 + SRANDOM % 12000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo "$port"
}

# await SECONDS NAME COMMAND...: until the command succeeds. Fails if NAME ends before, or the time does.
await() {
	local end=$((SECONDS + $1)) name=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		kill -0 "$(cat "$dir/pid/$name")" 2>/dev/null && [ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

# write_env NAME=VALUE...: DIR/env, in one moment.
write_env() {
	local pair
	for pair; do
		printf 'export %s=%q\n' "${pair%%=*}" "${pair#*=}"
	done >"$dir/env.new"
	mv "$dir/env.new" "$dir/env"
}

# main ARGUMENT...: calls `start OPTION...` of the server, again if it fails: a port may have been taken meanwhile.
main() {
	local what=${1-} try
	[ $# -ge 2 ] && [[ $what =~ ^(start|stop)$ ]] || { sed -n '2,/^[^#]/{s/^# \?//p}' "$0" >&2; exit 2; }
	dir=$(realpath -m -- "$2")
	shift 2
	end_all
	if [ -e "$dir" ] && [ ! -e "$dir/server" ]; then
		rmdir "$dir" 2>/dev/null || fail "$dir is not empty, and no folder of a server"
	fi
	if [ "$what" = stop ]; then
		[ ! -e "$dir" ] || find "$dir" -mindepth 1 -maxdepth 1 ! -name log ! -name server -exec rm -rf {} +
		return
	fi
	for try in 1 2 3; do
		rm -rf "$dir"
		mkdir -p "$dir"/{log,pid}
		echo "$server" >"$dir/server"
		if start "$@"; then
			return
		fi
		end_all
	done
	fail "does not start"
}
