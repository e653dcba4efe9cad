package devnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
)

// Devnet is networks that run on this machine. Its methods may be called from
// several goroutines.
type Devnet struct {
	o        Options
	dir      string
	short    string
	unlink   func() // removes what short is
	lock     *os.File
	remove   bool // dir is temporary
	super    *supervisor
	networks []*network
	started  atomic.Bool // Start has returned

	observing sync.Mutex
	writing   sync.Mutex // of the manifest

	mu         sync.Mutex
	deaths     []error
	sent       []*Sent
	recipients map[proofs.AccountID]struct{} // besides the holders of zero-states
	closing    sync.Once
	closeErr   error
}

// Start runs networks as o says and returns when all validators answer and,
// unless o says otherwise, all networks are linked. Close ends them; cancelling
// ctx ends the start only.
//
// Errors: ErrOptions, ErrInUse, ErrDied, ErrLate; those of package bootstrap.
func Start(ctx context.Context, o Options) (*Devnet, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	d := &Devnet{o: o, unlink: func() {}, recipients: make(map[proofs.AccountID]struct{})}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.started.Store(true)
	return d, nil
}

func (d *Devnet) start(ctx context.Context) error {
	if err := d.prepare(); err != nil {
		return err
	}
	var err error
	if d.super, err = newSupervisor(d.o.Program, d.o.Env, d.died); err != nil {
		return err
	}
	for _, net := range d.networks {
		for i := range net.nodes {
			if err := d.launch(net.nodes[i]); err != nil {
				return err
			}
		}
	}
	if err := d.save(); err != nil {
		return err
	}
	d.progress("", "%d validators of %d networks started in %s", d.validators(), len(d.networks), d.dir)
	if err := d.WaitReady(ctx); err != nil {
		return err
	}
	if d.o.Unlinked || len(d.networks) < 2 {
		return nil
	}
	return d.Link(ctx)
}

// prepare makes or loads everything on disk.
func (d *Devnet) prepare() error {
	dir, err := d.openDir()
	if err != nil {
		return err
	}
	if d.lock, err = lockDir(filepath.Join(dir, "devnet.lock")); err != nil {
		return err
	}
	if d.short, d.unlink, err = shorten(dir); err != nil {
		d.unlink = func() {}
		return err
	}
	for i := range 26 {
		name := string(rune('a' + i))
		sub := filepath.Join(dir, name)
		_, err := os.Lstat(filepath.Join(sub, bootstrap.ZeroStateFile))
		if err != nil && i >= d.o.Networks {
			break
		}
		net, err := openNetwork(&d.o, name, sub)
		if err != nil {
			return err
		}
		d.networks = append(d.networks, net)
		d.progress(name, "network %s is %s", name, net.zero.ID)
	}
	return configure(d.networks, dir, d.short)
}

func (d *Devnet) openDir() (string, error) {
	if d.o.Dir == "" {
		dir, err := os.MkdirTemp("", "isthmus-devnet-")
		if err != nil {
			return "", err
		}
		d.dir, d.remove = dir, true
		return dir, nil
	}
	dir, err := filepath.Abs(d.o.Dir)
	if err != nil {
		return "", err
	}
	d.dir = dir
	return dir, os.MkdirAll(dir, 0o755)
}

// launch starts a node's process.
func (d *Devnet) launch(n *node) error {
	rel, err := filepath.Rel(d.dir, n.dir)
	if err != nil {
		return err
	}
	args := append([]string{"node", "run", "--dir", filepath.Join(d.short, rel)}, d.o.NodeArgs...)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.child != nil && n.child.running() {
		return fmt.Errorf("%w: validator %s runs already", ErrOptions, n.name)
	}
	c, err := d.super.start("validator "+n.name, n.log(), args...)
	if err != nil {
		return err
	}
	n.child = c
	return nil
}

// died notes a process that ended although nobody wanted that, and returns what
// tells of it.
func (d *Devnet) died(c *child) func() {
	text := c.describe()
	if n := d.nodeOf(c); n != nil {
		text += "\n\tto start it again: isthmus node run --dir " + n.dir
	}
	d.mu.Lock()
	d.deaths = append(d.deaths, fmt.Errorf("%w: %s", ErrDied, text))
	d.mu.Unlock()
	return func() {
		d.tell(Event{Kind: EventDied, Text: text})
		if err := d.save(); err != nil {
			d.progress("", "%s: %v", ManifestFile, err)
		}
	}
}

func (d *Devnet) nodeOf(c *child) *node {
	for _, net := range d.networks {
		for _, n := range net.nodes {
			if strings.HasSuffix(c.name, " "+n.name) {
				return n
			}
		}
	}
	return nil
}

// Deaths returns what is known of validators that ended although nobody wanted
// that; nil if none did. Errors are ErrDied.
func (d *Devnet) Deaths() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(d.deaths...)
}

// Close stops all validators, gracefully and then by force, and removes what is
// temporary. A second call does nothing.
func (d *Devnet) Close() error {
	d.closing.Do(func() { d.closeErr = d.close() })
	return d.closeErr
}

func (d *Devnet) close() error {
	for _, net := range d.networks {
		for _, n := range net.nodes {
			n.close()
		}
	}
	if d.super != nil {
		d.super.close()
	}
	var err error
	if d.super != nil && !d.remove {
		err = d.save() // nothing runs any more
	}
	d.unlink()
	if d.remove {
		err = errors.Join(err, os.RemoveAll(d.dir))
	}
	if d.lock != nil {
		_ = d.lock.Close()
	}
	return err
}

// close drops the connections that are kept open: a server that stops waits for
// them. The clients remain usable.
func (n *node) close() {
	for _, c := range []*api.Client{n.client, n.admin} {
		if c != nil {
			c.Close()
		}
	}
}

// Manifest describes what runs now.
func (d *Devnet) Manifest() *Manifest {
	m := &Manifest{PID: os.Getpid(), Dir: d.dir}
	if d.short != d.dir {
		m.ShortDir = d.short
	}
	for _, net := range d.networks {
		m.Networks = append(m.Networks, net.info())
	}
	return m
}

func (d *Devnet) save() error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.Manifest().write(d.dir)
}

func (d *Devnet) validators() (total int) {
	for _, net := range d.networks {
		total += len(net.nodes)
	}
	return total
}

// network returns a network by its name.
func (d *Devnet) network(name string) (*network, error) {
	for _, net := range d.networks {
		if net.name == name {
			return net, nil
		}
	}
	return nil, fmt.Errorf("%w: no network %q", ErrOptions, name)
}

func (d *Devnet) node(name string, i int) (*node, error) {
	net, err := d.network(name)
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= len(net.nodes) {
		return nil, fmt.Errorf("%w: network %s has no validator %d of %d", ErrOptions, name, i, len(net.nodes))
	}
	return net.nodes[i], nil
}

// Client returns a client of a validator's API. It is closed by Close.
func (d *Devnet) Client(network string, i int) (*api.Client, error) {
	n, err := d.node(network, i)
	if err != nil {
		return nil, err
	}
	return n.client, nil
}

// Admin returns a client of a validator's admin socket. It is closed by Close.
func (d *Devnet) Admin(network string, i int) (*api.Client, error) {
	n, err := d.node(network, i)
	if err != nil {
		return nil, err
	}
	return n.admin, nil
}

// Kill ends a validator's process by SIGKILL.
func (d *Devnet) Kill(network string, i int) error {
	return d.end(network, i, (*child).kill, "killed")
}

// Stop ends a validator's process gracefully.
func (d *Devnet) Stop(network string, i int) error {
	return d.end(network, i, func(c *child) { c.stop(stopGrace) }, "stopped")
}

func (d *Devnet) end(network string, i int, how func(*child), word string) error {
	n, err := d.node(network, i)
	if err != nil {
		return err
	}
	c := n.process()
	if c == nil {
		return fmt.Errorf("%w: validator %s does not run", ErrOptions, n.name)
	}
	n.close()
	how(c)
	d.progress(network, "validator %s %s", n.name, word)
	return d.save()
}

// Restart starts a validator's process again; it does not wait for its API.
func (d *Devnet) Restart(network string, i int) error {
	n, err := d.node(network, i)
	if err != nil {
		return err
	}
	if err := d.launch(n); err != nil {
		return err
	}
	d.progress(network, "validator %s started", n.name)
	return d.save()
}

func (d *Devnet) tell(e Event) {
	if d.o.Observe == nil {
		return
	}
	d.observing.Lock()
	defer d.observing.Unlock()
	e.Time = time.Now()
	d.o.Observe(e)
}

func (d *Devnet) progress(network, format string, args ...any) {
	d.tell(Event{Kind: EventProgress, Network: network, Text: fmt.Sprintf(format, args...)})
}
