package devnet

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// program builds the real program.
func program(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "isthmus")
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/isthmus").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// TestKilledValidators runs two networks of real processes: transfers flow while
// validators are killed and come back, the networks are stopped and resumed, and
// in the end everything was executed exactly once and no value was lost.
func TestKilledValidators(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	o := Options{
		Program: program(t), Dir: t.TempDir(), Epoch: 2 * time.Second,
		Observe: func(e Event) { t.Logf("%s %s: %s", e.Time.Format("05.000"), e.Kind, e.Text) },
	}
	d := begin(t, ctx, o)
	load(t, ctx, d, 20)
	do(t, d.Kill("a", 1))
	do(t, d.Kill("b", 2))
	load(t, ctx, d, 20)
	do(t, d.Restart("a", 1))
	do(t, d.Stop("a", 3))
	do(t, d.WaitReady(ctx))
	load(t, ctx, d, 20)
	do(t, d.Restart("b", 2))
	do(t, d.Restart("a", 3))
	do(t, d.WaitReady(ctx))
	allOfB(t, ctx, d)
	audit(t, ctx, d, 90)
	do(t, d.Close())
	for _, pid := range pids(d) {
		if alive(pid) {
			t.Errorf("process %d is left behind", pid)
		}
	}

	d = begin(t, ctx, o) // resumed
	load(t, ctx, d, 10)
	audit(t, ctx, d, 10)
	do(t, d.Close())
	if _, err := os.Stat(filepath.Join(o.Dir, ManifestFile)); err != nil {
		t.Error(err)
	}
}

// allOfB ends every process of b from outside while transfers flow, and starts them
// again after a while. a goes on meanwhile, and everything arrives.
func allOfB(t *testing.T, ctx context.Context, d *Devnet) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := d.Load(ctx, 30)
		done <- err
	}()
	for i := range 4 {
		do(t, d.Kill("b", i))
	}
	a, err := d.Client("a", 0)
	do(t, err)
	before, err := a.Info(ctx)
	do(t, err)
	for {
		now, err := a.Info(ctx)
		do(t, err)
		if now.KeyBlocks > before.KeyBlocks+1 { // a goes on: two more key blocks
			break
		}
		do(t, pause(ctx, pollEvery))
	}
	for i := range 4 {
		do(t, d.Restart("b", i))
	}
	do(t, <-done)
}

func begin(t *testing.T, ctx context.Context, o Options) *Devnet {
	t.Helper()
	d, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, ctx context.Context, d *Devnet, n int) {
	t.Helper()
	sent, err := d.Load(ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	if len(sent) != n {
		t.Fatalf("sent %d, want %d", len(sent), n)
	}
}

func audit(t *testing.T, ctx context.Context, d *Devnet, sent int) {
	t.Helper()
	r, err := d.Audit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil || r.Sent != sent || r.KeyBlocks["a"] == 0 || r.KeyBlocks["b"] == 0 {
		t.Fatalf("%+v: %v", r, err)
	}
	t.Logf("%+v", r)
}

func pids(d *Devnet) (all []int) {
	for _, net := range d.networks {
		for _, n := range net.nodes {
			all = append(all, n.child.pid())
		}
	}
	return all
}
