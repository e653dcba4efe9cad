package devnet

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/isthmus-network/isthmus/internal/devnet/parent"
)

// childEnv makes the test binary a child that behaves in a certain way.
const childEnv = "ISTHMUS_DEVNET_CHILD"

func TestMain(m *testing.M) {
	behave, ok := map[string]func(){
		"obedient": obedient, "stubborn": stubborn, "tied": tied, "crash": crash, "supervisor": beSupervisor,
	}[os.Getenv(childEnv)]
	if ok {
		behave()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// obedient ends when it is asked to.
func obedient() {
	ask := make(chan os.Signal, 1)
	signal.Notify(ask, syscall.SIGTERM)
	fmt.Println("ready")
	<-ask
	fmt.Println("asked to stop")
}

// stubborn ends only by force.
func stubborn() {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	fmt.Println("ready")
	for {
		time.Sleep(time.Hour)
	}
}

// tied is deaf to signals but ends with its parent.
func tied() {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	over := make(chan struct{})
	if err := parent.WatchParent(func() { close(over) }); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	<-over
}

func crash() {
	for i := range 40 {
		fmt.Println("line", i)
	}
	fmt.Fprintln(os.Stderr, "the disk is on fire")
	os.Exit(3)
}

// beSupervisor runs two children, prints their pids, and waits to be killed. Its
// arguments are the folder of the logs, the children's behaviour, and whether the
// kernel is asked to end them.
func beSupervisor() {
	dir, behaviour, signals := os.Args[1], os.Args[2], os.Args[3] == "true"
	exe, err := os.Executable()
	if err == nil {
		var s *supervisor
		s, err = newSupervisor(exe, []string{childEnv + "=" + behaviour}, func(*child) func() { return func() {} })
		for i := 0; i < 2 && err == nil; i++ {
			s.signals = signals
			var c *child
			if c, err = s.start("child", filepath.Join(dir, fmt.Sprint(i))); err == nil {
				fmt.Println("pid", c.pid())
			}
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("done")
	select {}
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 15 s: %s", what)
		}
	}
}

// alive reports whether a process runs; a zombie does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true // not Linux, or just gone
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString('\n')
	_, after, _ := strings.Cut(line, ") ")
	return !strings.HasPrefix(after, "Z")
}
