package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// The pages whose commands are tested, from the repository's root.
const root = "../.."

var pages = []string{"README.md", "docs/guide/operator.md"}

// block is a fenced block of shell commands with the mark above it:
//
//	run            it is run once and ends with 0
//	retry          it is run until it ends with 0
//	until TEXT     it is run until it ends with 0 and prints TEXT
//	exits CODE     it is run once and ends with that code
//	elsewhere FILE the file tests it
type block struct {
	page, mark, arg, text string
	line                  int
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

var (
	fence = regexp.MustCompile("(?ms)^(?:<!-- test: (\\w+) ?([^\n]*?) -->\n)?```(\\w*)\n(.*?)^```$")
	// ports are those that the pages give to the networks.
	ports = regexp.MustCompile(`\b7[01]0[0-7]\b`)
)

func blocksOf(t *testing.T, page string) (blocks []block) {
	t.Helper()
	text := readPage(t, page)
	for _, m := range fence.FindAllSubmatchIndex(text, -1) {
		part := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return string(text[m[2*i]:m[2*i+1]])
		}
		b := block{page: page, mark: part(1), arg: part(2), text: part(4), line: 1 + bytes.Count(text[:m[8]], []byte("\n"))}
		switch lang := part(3); {
		case lang == "sh" && b.mark == "":
			t.Errorf("%v: a block of commands has no mark that says how it is tested", b)
		case lang == "sh":
			blocks = append(blocks, b)
		case lang == "":
			t.Errorf("%v: a block has no language", b)
		case b.mark != "":
			t.Errorf("%v: the mark is not above a block of commands", b)
		}
	}
	return blocks
}

func readPage(t *testing.T, page string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestReadme runs the commands of the pages in their order, as a reader would, in
// one folder and with the same variables. Networks live from block to block.
func TestReadme(t *testing.T) {
	var blocks []block
	for _, page := range pages {
		blocks = append(blocks, blocksOf(t, page)...)
	}
	if t.Failed() {
		return
	}
	s := newSession(t)
	for _, b := range blocks {
		s.do(b)
	}
	s.allEnded()
}

// session is a reader at a shell.
type session struct {
	t      *testing.T
	dir    string
	groups []int // of processes that blocks have started
	held   []interface{ Close() error }
	ports  map[string]string
}

func newSession(t *testing.T) *session {
	s := &session{t: t, dir: t.TempDir(), ports: make(map[string]string)}
	t.Cleanup(func() {
		s.release()
		for _, g := range s.groups {
			_ = syscall.Kill(-g, syscall.SIGKILL) // mostly gone already
		}
		s.awaitEnd(10 * time.Second)
	})
	s.hold(7000)
	s.hold(7100)
	return s
}

// hold finds eight free ports in a row, beginning with one of the kernel's choice,
// in place of those that begin with base. They stay bound until a node wants them:
// even ones are UDP, odd ones TCP.
func (s *session) hold(base int) {
	s.t.Helper()
	for range 100 {
		first, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			s.t.Fatal(err)
		}
		port := first.LocalAddr().(*net.UDPAddr).Port
		held := []interface{ Close() error }{first}
		for i := 1; i < 8 && err == nil; i++ {
			var c interface{ Close() error }
			if addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port+i)); i%2 == 0 {
				c, err = net.ListenPacket("udp4", addr)
			} else {
				c, err = net.Listen("tcp4", addr)
			}
			if err == nil {
				held = append(held, c)
			}
		}
		s.held = append(s.held, held...)
		if err == nil {
			for i := range 8 {
				s.ports[strconv.Itoa(base+i)] = strconv.Itoa(port + i)
			}
			return
		}
	}
	s.t.Fatal("no eight free ports in a row")
}

func (s *session) release() {
	for _, c := range s.held {
		_ = c.Close()
	}
	s.held = nil
}

// patience bounds waits for what comes within seconds, however slow the machine is.
const patience = 2 * time.Minute

// do tests one block.
func (s *session) do(b block) {
	s.t.Helper()
	switch b.mark {
	case "elsewhere":
		if _, err := os.Stat(filepath.Join(root, b.arg)); err != nil {
			s.t.Errorf("%v: %v", b, err)
		}
	case "run":
		if code, out := s.sh(b); code != 0 {
			s.t.Fatalf("%v: exit code %d\n%s\n%s", b, code, b.text, out)
		}
	case "exits":
		if code, out := s.sh(b); strconv.Itoa(code) != b.arg {
			s.t.Fatalf("%v: exit code %d, want %s\n%s\n%s", b, code, b.arg, b.text, out)
		}
	case "retry", "until":
		deadline := time.Now().Add(patience)
		for {
			code, out := s.sh(b)
			if code == 0 && strings.Contains(out, b.arg) {
				return
			}
			if time.Now().After(deadline) {
				s.t.Fatalf("%v: not in %v: exit code %d, want 0 and %q\n%s\n%s\n%s", b, patience, code, b.arg, b.text, out, s.logs())
			}
			time.Sleep(50 * time.Millisecond)
		}
	default:
		s.t.Fatalf("%v: unknown mark %q", b, b.mark)
	}
}

// sh runs a block with the variables that earlier ones have set, and returns its
// exit code and output. What it leaves in the background lives on.
func (s *session) sh(b block) (code int, output string) {
	s.t.Helper()
	text := ports.ReplaceAllStringFunc(b.text, func(p string) string { return s.ports[p] })
	if strings.Contains(text, "isthmus node run ") {
		s.release()
	}
	out, err := os.Create(filepath.Join(s.dir, "output"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	// A background process keeps a file open, not a pipe that Wait would wait for.
	cmd := exec.Command("sh", "-e", "-c", "set -a; [ ! -f variables ] || . ./variables\n"+text+"\nexport -p > variables")
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, out, out
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "ISTHMUS_") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.groups = append(s.groups, cmd.Process.Pid)
	limit := time.AfterFunc(patience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err = cmd.Wait()
	if !limit.Stop() {
		s.t.Errorf("%v: did not end in %v", b, patience)
	}
	printed, readErr := os.ReadFile(out.Name())
	if readErr != nil {
		s.t.Fatal(readErr)
	}
	if err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(printed)
}

// logs returns the ends of the nodes' logs.
func (s *session) logs() string {
	var all strings.Builder
	paths, _ := filepath.Glob(filepath.Join(s.dir, "networks/*/*.log"))
	for _, path := range paths {
		text, _ := os.ReadFile(path)
		fmt.Fprintf(&all, "%s: %s\n", path, text[max(0, len(text)-2000):])
	}
	return all.String()
}

// awaitEnd waits until no process of any block is left.
func (s *session) awaitEnd(limit time.Duration) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		s.groups = slices.DeleteFunc(s.groups, func(g int) bool { return ended(g) })
		if len(s.groups) == 0 || time.Now().After(deadline) {
			return len(s.groups) == 0
		}
	}
}

// ended reports whether a process group has no process, or only ones that nobody
// has waited for yet.
func ended(group int) bool {
	if syscall.Kill(-group, 0) != nil {
		return true
	}
	out, err := exec.Command("ps", "-e", "-o", "pgid=,stat=").Output()
	if err != nil {
		return false
	}
	for _, line := range strings.Split(string(out), "\n") {
		f := strings.Fields(line)
		if len(f) == 2 && f[0] == strconv.Itoa(group) && !strings.HasPrefix(f[1], "Z") {
			return false
		}
	}
	return true
}

// allEnded checks that the page's last command ended what the page started.
func (s *session) allEnded() {
	s.t.Helper()
	if !s.awaitEnd(patience) {
		s.t.Errorf("process groups %v are left at the end\n%s", s.groups, s.logs())
	}
}

// TestDocumentedCommands checks every command that the pages name: it exists, and
// so do its flags.
func TestDocumentedCommands(t *testing.T) {
	named := regexp.MustCompile("(?m)(?:`|^ *|\\$\\()isthmus ([a-z][^`\n)]*)")
	app := newProgram().app()
	for _, page := range append([]string{"ARCHITECTURE.md", "docs/guide/api.md"}, pages...) {
		for _, m := range named.FindAllStringSubmatch(string(readPage(t, page)), -1) {
			if err := documented(app, strings.Fields(m[1])); err != nil {
				t.Errorf("%s: isthmus %s: %v", page, m[1], err)
			}
		}
	}
}

// documented looks up a command line's command and flags.
func documented(app *cli.App, words []string) error {
	commands, flags := app.Commands, app.Flags
	for len(words) > 0 && len(commands) > 0 {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(words[0]) })
		if i < 0 {
			return fmt.Errorf("there is no command %q", words[0])
		}
		commands, flags, words = commands[i].Subcommands, commands[i].Flags, words[1:]
	}
	for _, w := range words {
		name, isFlag := strings.CutPrefix(w, "--")
		if isFlag && !slices.ContainsFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) }) {
			return fmt.Errorf("there is no flag --%s", name)
		}
	}
	return nil
}

// TestLinks checks that what the pages link to is there.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	for _, page := range append([]string{"ARCHITECTURE.md", "CONTRIBUTING.md", "docs/guide/api.md", "docs/spec/README.md"}, pages...) {
		for _, m := range link.FindAllStringSubmatch(string(readPage(t, page)), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			if target = filepath.Join(filepath.Dir(page), target); m[1][0] == '#' {
				target = page
			}
			text, err := os.ReadFile(filepath.Join(root, target))
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if anchor != "" && !slices.Contains(anchorsOf(string(text)), anchor) {
				t.Errorf("%s: %s has no heading #%s", page, target, anchor)
			}
		}
	}
}

// anchorsOf returns the anchors of a page's headings.
func anchorsOf(text string) (anchors []string) {
	punctuation := regexp.MustCompile(`[^a-z0-9 -]`)
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "#") {
			heading := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
			anchors = append(anchors, strings.ReplaceAll(punctuation.ReplaceAllString(heading, ""), " ", "-"))
		}
	}
	return anchors
}
