# shellcheck shell=bash
# Steps: each runs, is timed, leaves a log and a result; the summary counts them. Sourced by scripts/check.
# Results are files, because some steps run in the background: results/NAME holds "STATE SECONDS NOTE".

: "${repo:?lib.sh comes first}"
logs=${CARGO_TARGET_DIR:-$repo/target}/check
rm -rf "$logs"
mkdir -p "$logs/results"
began_at=$SECONDS
background_pids=()
step_names=()

file_of() { echo "${1//[^A-Za-z0-9_-]/_}"; }
record() { printf '%s\n' "$2 $3 ${4:-}" >"$logs/results/$(file_of "$1")"; }
succeeded() { [ -f "$logs/results/$(file_of "$1")" ] && [ "$(cut -d' ' -f1 "$logs/results/$(file_of "$1")")" = ok ]; }

# Runs one step. Its output goes to its log; what failed is shown.
run_step() {
    local name=$1 began=$SECONDS log code=0
    log=$logs/$(file_of "$1").log
    shift
    # A subshell of its own with errexit on: behind `if` or `||` bash would not stop a function at its first failure.
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1
    code=$?
    set -e
    local took=$((SECONDS - began))
    if [ $code = 0 ]; then
        record "$name" ok "$took"
        printf 'ok    %4ss  %s\n' "$took" "$name"
    else
        record "$name" FAILED "$took" "exit $code, see $log"
        printf 'FAILED %3ss  %s (exit %s); the end of %s:\n' "$took" "$name" $code "$log"
        tail -n 400 "$log" | sed 's/^/    | /'
    fi
}

step() {
    step_names+=("$1")
    printf '...          %s\n' "$1"
    run_step "$@"
}

# background NAME COMMAND... [-- NAME COMMAND...]: one after the other, beside what follows.
background() {
    local word lane=() at=0
    printf '...          %s (in the background)\n' "$1"
    for word in "$@"; do
        if [ "$word" = -- ]; then at=0 && lane+=($'\n') && continue; fi
        if [ $at = 0 ]; then step_names+=("$word"); fi
        at=1 lane+=("$word")
    done
    # A process group of its own, so that all of it can be ended.
    set -m
    run_lane "${lane[@]}" $'\n' &
    background_pids+=($!)
    set +m
}

run_lane() {
    local word one=()
    for word in "$@"; do
        if [ "$word" != $'\n' ]; then
            one+=("$word")
        else
            run_step "${one[@]}"
            one=()
        fi
    done
}

await_background() {
    local pid
    for pid in ${background_pids[@]+"${background_pids[@]}"}; do wait "$pid" || true; done
    background_pids=()
}

skip() {
    step_names+=("$1")
    record "$1" skipped 0 "$2"
    printf 'SKIPPED      %s: %s\n' "$1" "$2"
}

# What is still running when the script ends early is ours to end.
trap 'for pid in ${background_pids[@]+"${background_pids[@]}"}; do kill -- "-$pid" 2>/dev/null; done; true' EXIT
trap 'exit 130' INT TERM

# One table, then one line for machines: steps and tests together. Ends with 1 if anything failed.
summary() {
    local name state took note passed=0 failed=0 skipped=0 line
    printf '\n%-32s %-8s %6s  %s\n' step result time note
    for name in "${step_names[@]}"; do
        line=
        read -r state took note <"$logs/results/$(file_of "$name")" || { state=FAILED took=0 note='no result: it was cut short'; }
        if [ "$name" = tests ]; then
            # "Summary [ 1.2s] 40 tests run: 39 passed (1 slow), 1 failed, 2 skipped"
            line=$(grep -E '^ *Summary \[.*tests? run:' "$logs/tests.log" | tail -n 1 || true)
            note="${line#*] }${note:+; $note}"
            passed=$((passed + $(count_of passed "$line")))
            failed=$((failed + $(count_of failed "$line") + $(count_of 'exec failed' "$line") + $(count_of 'timed out' "$line")))
            skipped=$((skipped + $(count_of skipped "$line")))
        fi
        case $state${line:+ of many} in
        'ok of many') ;;
        # The tests that failed are counted already; a run that ended badly all the same is a failure of its own.
        'FAILED of many') if [ $failed = 0 ]; then failed=1; fi ;;
        ok) passed=$((passed + 1)) ;;
        skipped) skipped=$((skipped + 1)) ;;
        *) failed=$((failed + 1)) ;;
        esac
        printf '%-32s %-8s %5ss  %s\n' "$name" "$state" "$took" "$note"
    done
    printf '%-32s %-8s %5ss\n\n' all '' $((SECONDS - began_at))
    printf '%s passed, %s failed, %s skipped\n' $passed $failed $skipped
    [ $failed = 0 ]
}

count_of() {
    local number
    number=$(sed -n "s/.*[ :(]\([0-9][0-9]*\) $1.*/\1/p" <<<"$2")
    echo "${number:-0}"
}
