# What the fakes of gpioget, gpiomon and gpioset share: reads the command line of the version, and refuses as the real tools do.
# Each line N of the chip has files in `chip`: N.value (electrical level), N.holder (process and consumer), N.events (a FIFO).
folder=$(dirname "$0")
tool=$(basename "$0")
version=$(cat "$folder/version")
major=${version%%.*}
chip= line= value= active_low=0 bias=as-is drive=push-pull consumer=$tool banner=0
echo "$tool $*" >>"$folder/calls"

fail() {
  echo "$tool: $1" >&2
  exit 1
}

# The words of version 1, then those of version 2, before those of the system.
fail_errno() {
  if [ "$major" = 1 ]; then
    case $tool in
      gpioget) fail "error reading GPIO values: $2" ;;
      gpiomon) fail "error waiting for events: $2" ;;
      gpioset) fail "error setting the GPIO line values: $2" ;;
    esac
  fi
  fail "$1: $2"
}

timed=0
for argument in "$@"; do
  [ "$argument" = '--format=%E %S' ] && timed=1
  case $major:$argument in
    ?:--active-low) active_low=1 ;;
    ?:--bias=*) bias=${argument#*=} ;;
    ?:--drive=*) drive=${argument#*=} ;;
    1:--line-buffered | 1:--format=%e | 1:--mode=signal | 2:--edges=both | 2:--format=%E | 2:'--format=%E %S' | 2:--numeric) ;;
    2:--banner) banner=1 ;;
    2:--consumer=*) consumer=${argument#*=} ;;
    2:--chip=*) chip=${argument#*=} ;;
    ?:-*) fail "unrecognized option '$argument'" ;;
    1:*) if [ -z "$chip" ]; then chip=$argument; else line=${argument%%=*} value=${argument#*=}; fi ;;
    2:*) line=${argument%%=*} value=${argument#*=} ;;
  esac
done
case $major:$bias in
  1:as-is | 1:disable | 2:as-is | 2:disabled | ?:pull-up | ?:pull-down) ;;
  *) fail "invalid bias: $bias" ;;
esac
if [ "$chip" != gpiochip0 ]; then
  [ "$major" = 1 ] && fail_errno "" "No such file or directory"
  fail "cannot find GPIO chip character device '$chip'"
fi
[ -e "$folder/gone" ] && fail_errno "unable to open chip '/dev/gpiochip0'" "No such file or directory"
[ -e "$folder/cgroup" ] && fail_errno "unable to open chip '/dev/gpiochip0'" "Operation not permitted"
[ -e "$folder/no-interrupts" ] && [ "$tool" = gpiomon ] && fail_errno "unable to request lines on chip /dev/gpiochip0" "Invalid argument"

state=$folder/chip/$line
if [ -e "$state.holder" ] && kill -0 "$(cut -d' ' -f1 "$state.holder")" 2>/dev/null; then
  fail_errno "unable to request lines on chip '/dev/gpiochip0'" "Device or resource busy"
fi
# Logical from electrical and back.
logical() { [ "$active_low" = 1 ] && echo $((1 - $1)) || echo "$1"; }

# Held until this process ends. `handles` stands for the folder of its open files in /proc.
hold() {
  echo "$$ $consumer" >"$state.holder"
  mkdir -p "$folder/proc/$$/fd"
  [ -e "$folder/silent" ] || ln -s "anon_inode:gpio-event" "$folder/proc/$$/fd/5"
}
