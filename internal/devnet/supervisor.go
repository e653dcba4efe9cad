package devnet

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/isthmus-network/isthmus/internal/devnet/parent"
)

const (
	// stopGrace is how long a process may take to end by itself.
	stopGrace = 15 * time.Second
	tailBytes = 4 << 10
	tailLines = 12
)

// errStopped: the supervisor was closed.
var errStopped = errors.New("devnet: stopped")

// supervisor starts processes and sees to it that none outlives this one, however
// this one ends: their standard input is a pipe that ends with it (package
// parent), and on Linux the kernel kills them.
//
// The kernel does so when the thread that started them ends, so one thread starts
// them all and lives as long as the supervisor.
type supervisor struct {
	program string
	env     []string
	inherit *os.File // the children's end of the pipe
	hold    *os.File // ours
	forks   chan fork
	forker  chan struct{} // closed when the forking thread has ended
	died    func(c *child) (told func())
	signals bool // ask the kernel, where it can, to end children with us

	mu       sync.Mutex
	closed   bool
	children map[*child]struct{} // those that run
	wg       sync.WaitGroup
}

type fork struct {
	cmd    *exec.Cmd
	result chan<- error
}

// newSupervisor returns a supervisor of processes that run program with env added
// to our environment. died is called for each that ends without having been told
// to, before anybody sees that it has ended, and what it returns right after that,
// both from a goroutine that close waits for.
func newSupervisor(program string, env []string, died func(*child) func()) (*supervisor, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s := &supervisor{
		program: program, env: env, inherit: r, hold: w, died: died, signals: true,
		forks: make(chan fork), forker: make(chan struct{}), children: make(map[*child]struct{}),
	}
	go s.fork()
	return s, nil
}

func (s *supervisor) fork() {
	defer close(s.forker)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for f := range s.forks {
		f.result <- f.cmd.Start()
	}
}

// child is one process.
type child struct {
	name    string
	logPath string
	cmd     *exec.Cmd
	logFrom int64         // where its output begins in the log file
	done    chan struct{} // closed when it has ended
	err     error         // how it ended; read after done

	mu     sync.Mutex
	wanted bool // its end is wanted
}

// start runs the program with args; its output is appended to the file logPath.
func (s *supervisor) start(name, logPath string, args ...string) (*child, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errStopped
	}
	log, err := os.OpenFile(logPath, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(s.program, args...)
	cmd.Env = append(append(os.Environ(), s.env...), parent.Env+"=0")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.inherit, log, log
	setAttributes(cmd, s.signals)
	result := make(chan error, 1)
	s.forks <- fork{cmd: cmd, result: result}
	if err := <-result; err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &child{name: name, logPath: logPath, cmd: cmd, logFrom: from, done: make(chan struct{})}
	s.children[c] = struct{}{}
	s.wg.Go(func() { s.wait(c) })
	return c, nil
}

func (s *supervisor) wait(c *child) {
	c.err = c.cmd.Wait()
	s.mu.Lock()
	delete(s.children, c)
	s.mu.Unlock()
	c.mu.Lock()
	wanted := c.wanted
	c.mu.Unlock()
	told := func() {}
	if !wanted {
		told = s.died(c)
	}
	close(c.done)
	told()
}

// close stops all children, gracefully and then by force, and waits for them. The
// pipe ends before that, so that even a child whose signals are lost is told.
func (s *supervisor) close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	var running []*child
	for c := range s.children {
		running = append(running, c)
	}
	s.mu.Unlock()
	for _, c := range running {
		c.want()
	}
	if first {
		_ = s.hold.Close()
	}
	var wg sync.WaitGroup
	for _, c := range running {
		wg.Go(func() { c.stop(stopGrace) })
	}
	wg.Wait()
	s.wg.Wait()
	if first {
		_ = s.inherit.Close()
		close(s.forks)
	}
	<-s.forker
}

func (c *child) want() {
	c.mu.Lock()
	c.wanted = true
	c.mu.Unlock()
}

// stop asks the process to end, and kills it after grace.
func (c *child) stop(grace time.Duration) {
	c.want()
	if err := terminate(c.cmd); err != nil && !errors.Is(err, os.ErrProcessDone) {
		grace = 0
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
		c.kill()
	}
}

// kill ends the process at once and waits for that.
func (c *child) kill() {
	c.want()
	select {
	case <-c.done: // reaped: its number may be another's by now
	default:
		killGroup(c.cmd)
		<-c.done
	}
}

func (c *child) running() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// tail returns the last lines that the process wrote, without secrets being a
// concern: a node writes none.
func (c *child) tail() string {
	f, err := os.Open(c.logPath)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	from := max(c.logFrom, end-tailBytes)
	b, err := io.ReadAll(io.NewSectionReader(f, from, end-from))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// describe says how an ended process ended, and its last words.
func (c *child) describe() string {
	how := "exit status 0"
	if c.err != nil {
		how = c.err.Error()
	}
	tail := c.tail()
	if tail == "" {
		return fmt.Sprintf("%s ended: %s; it wrote nothing to %s", c.name, how, c.logPath)
	}
	return fmt.Sprintf("%s ended: %s; the end of %s:\n\t%s", c.name, how, c.logPath, strings.ReplaceAll(tail, "\n", "\n\t"))
}
