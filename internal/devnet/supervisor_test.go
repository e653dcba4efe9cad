package devnet

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

type nursery struct {
	*supervisor
	dir    string
	deaths chan *child
}

func newNursery(t *testing.T, behaviour string) *nursery {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	n := &nursery{dir: t.TempDir(), deaths: make(chan *child, 16)}
	n.supervisor, err = newSupervisor(exe, []string{childEnv + "=" + behaviour}, func(c *child) func() { return func() { n.deaths <- c } })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.close)
	return n
}

// begin starts a child and waits until it is ready.
func (n *nursery) begin(t *testing.T, name string) *child {
	t.Helper()
	c, err := n.start(name, filepath.Join(n.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "ready", func() bool { return strings.Contains(c.tail(), "ready") })
	return c
}

func TestStopIsGentle(t *testing.T) {
	n := newNursery(t, "obedient")
	c := n.begin(t, "one")
	c.stop(stopGrace)
	if c.err != nil || !strings.HasSuffix(c.tail(), "asked to stop") {
		t.Errorf("got %v, log %q", c.err, c.tail())
	}
	if c.running() || alive(c.pid()) {
		t.Error("it still runs")
	}
	c.stop(0) // a second time is fine
	c.kill()
	if len(n.deaths) != 0 {
		t.Error("a wanted end was reported as a death")
	}
}

func TestStopByForce(t *testing.T) {
	n := newNursery(t, "stubborn")
	c := n.begin(t, "one")
	c.stop(50 * time.Millisecond)
	if c.err == nil || alive(c.pid()) {
		t.Errorf("got %v, alive %v; want it killed", c.err, alive(c.pid()))
	}
}

func TestCloseStopsAll(t *testing.T) {
	n := newNursery(t, "obedient")
	var all []*child
	for i := range 4 {
		all = append(all, n.begin(t, fmt.Sprint(i)))
	}
	all[1].kill()
	n.close()
	for _, c := range all {
		if alive(c.pid()) {
			t.Errorf("%s is alive", c.name)
		}
	}
	if _, err := n.start("late", filepath.Join(n.dir, "late")); err == nil {
		t.Error("a closed supervisor starts children")
	}
	if len(n.deaths) != 0 {
		t.Error("a wanted end was reported as a death")
	}
}

func TestCloseEndsThePipe(t *testing.T) {
	// Deaf to signals, but tied to us: they need not be killed.
	n := newNursery(t, "tied")
	c := n.begin(t, "one")
	n.close()
	if c.err != nil {
		t.Errorf("got %v, want a clean end", c.err)
	}
}

func TestUnwantedDeathIsReported(t *testing.T) {
	n := newNursery(t, "crash")
	log := filepath.Join(n.dir, "one")
	if err := os.WriteFile(log, []byte("what an earlier run wrote\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := n.start("one", log); err != nil {
		t.Fatal(err)
	}
	select {
	case c := <-n.deaths:
		text := c.describe()
		for _, want := range []string{"one ended: exit status 3", "line 39", "the disk is on fire"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing in:\n%s", want, text)
			}
		}
		if strings.Contains(text, "earlier") || strings.Contains(text, "line 3\n") {
			t.Errorf("too much in:\n%s", text)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("no report")
	}
	if n.mu.Lock(); len(n.children) != 0 {
		t.Error("it was started again")
	}
	n.mu.Unlock()
}

func TestStartOfNothing(t *testing.T) {
	n := newNursery(t, "obedient")
	n.program = filepath.Join(n.dir, "no such program")
	if _, err := n.start("one", filepath.Join(n.dir, "log")); err == nil {
		t.Fatal("started")
	}
}

// TestSupervisorKilled: SIGKILL leaves no child behind, by the kernel's help and,
// without it, by the pipe.
func TestSupervisorKilled(t *testing.T) {
	for _, c := range []struct{ behaviour, signals string }{{"stubborn", "true"}, {"tied", "false"}} {
		if c.signals == "true" && runtime.GOOS != "linux" {
			continue
		}
		t.Run(c.behaviour, func(t *testing.T) {
			cmd, pids := superviseElsewhere(t, c.behaviour, c.signals)
			for _, pid := range pids {
				if !alive(pid) {
					t.Fatalf("%d does not run", pid)
				}
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			for _, pid := range pids {
				until(t, "end of an orphan", func() bool { return !alive(pid) })
			}
		})
	}
}

func superviseElsewhere(t *testing.T, behaviour, signals string) (*exec.Cmd, []int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(exe, dir, behaviour, signals)
	cmd.Env = append(os.Environ(), childEnv+"=supervisor")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var pids []int
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "done"; {
		var pid int
		if _, err := fmt.Sscanf(lines.Text(), "pid %d", &pid); err != nil {
			t.Fatalf("got %q", lines.Text())
		}
		pids = append(pids, pid)
	}
	if len(pids) != 2 {
		t.Fatalf("got children %v, want two", pids)
	}
	for i := range pids {
		until(t, "ready", func() bool {
			b, _ := os.ReadFile(filepath.Join(dir, fmt.Sprint(i)))
			return strings.Contains(string(b), "ready")
		})
	}
	return cmd, pids
}

func TestLockedDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := lockDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDir(path); err == nil {
		t.Fatal("locked twice")
	}
	_ = f.Close()
	f, err = lockDir(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}
