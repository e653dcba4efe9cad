package parent

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// Env names the variable that holds the number of an inherited file descriptor:
// the reading end of a pipe into which nobody writes, and whose other end the
// parent holds.
const Env = "ISTHMUS_PARENT_FD"

// Grace is how long a process may take to stop after its parent has ended: then
// it exits with ExitOrphan.
const Grace = 10 * time.Second

// ExitOrphan is the exit code of a process that could not stop in time after its
// parent had ended.
const ExitOrphan = 70

// WatchParent calls cancel, once and from its own goroutine, when the process
// that started this one has ended, and ends this process by force if it still
// runs after Grace. Without the variable Env nothing is watched. The variable is
// removed, so that it is not inherited any further.
//
// The goroutine lives as long as the process. The error says that Env holds no
// file descriptor.
func WatchParent(cancel func()) error {
	text, ok := os.LookupEnv(Env)
	if !ok {
		return nil
	}
	if err := os.Unsetenv(Env); err != nil {
		return err
	}
	fd, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("%s: got %.20q, want the number of a file descriptor: %w", Env, text, err)
	}
	pipe := os.Stdin
	if fd != 0 {
		pipe = os.NewFile(uintptr(fd), "parent pipe")
	}
	if _, err := pipe.Stat(); err != nil {
		return fmt.Errorf("%s: descriptor %d: %w", Env, fd, err)
	}
	go watch(pipe, os.Stderr, cancel, func() { os.Exit(ExitOrphan) })
	return nil
}

// watch waits for the end of pipe, whose content it drops, and says so on log.
func watch(pipe io.Reader, log io.Writer, cancel, exit func()) {
	_, err := io.Copy(io.Discard, pipe) // an error is an end as well
	why := "the process that started this one has ended: stopping"
	if err != nil {
		why = fmt.Sprintf("the pipe from the process that started this one failed: stopping: %v", err)
	}
	fmt.Fprintln(log, why)
	cancel()
	time.Sleep(Grace)
	exit()
}
