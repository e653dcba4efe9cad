package devnet

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
)

func completed(t testing.TB, o Options) *Options {
	t.Helper()
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	return &o
}

// twoNetworks makes networks a and b on disk.
func twoNetworks(t testing.TB, dir string) []*network {
	t.Helper()
	o := completed(t, Options{Validators: 2, Accounts: 3, Epoch: 2 * time.Second})
	var networks []*network
	for _, name := range []string{"a", "b"} {
		n, err := openNetwork(o, name, filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		networks = append(networks, n)
	}
	return networks
}

func TestNetworkIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	first, again := twoNetworks(t, dir), twoNetworks(t, dir)
	for i := range first {
		a, b := first[i], again[i]
		if a.zero.ID != b.zero.ID || a.accounts[2].id != b.accounts[2].id || a.nodes[1].key != b.nodes[1].key {
			t.Errorf("network %s was made anew", a.name)
		}
		if len(a.accounts) != 3 || len(a.nodes) != 2 || len(a.holders) != 3 {
			t.Errorf("network %s: %d accounts, %d nodes, %d holders", a.name, len(a.accounts), len(a.nodes), len(a.holders))
		}
		if p := a.zero.Parameters; p.EpochDuration != 2000 || p.Heartbeat != 1000 {
			t.Errorf("epoch %d, heartbeat %d", p.EpochDuration, p.Heartbeat)
		}
	}
	if first[0].zero.ID == first[1].zero.ID {
		t.Error("two networks with one id")
	}
	fi, err := os.Stat(first[0].accounts[0].file)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("key file: mode %v, %v", fi.Mode(), err)
	}
}

func TestConfigureIntroducesAll(t *testing.T) {
	dir := t.TempDir()
	networks := twoNetworks(t, dir)
	if err := configure(networks, dir, dir); err != nil {
		t.Fatal(err)
	}
	ports := make(map[string]bool)
	for i, own := range networks {
		other := networks[1-i]
		for k, n := range own.nodes {
			defer n.close()
			cfg, err := bootstrap.LoadNodeConfig(n.dir)
			if err != nil {
				t.Fatal(err)
			}
			ports[cfg.Listen[0]], ports[cfg.API] = true, true
			mate := own.nodes[1-k]
			if len(cfg.Peers) != 1 || cfg.Peers[mate.key][0] != mate.cfg.Listen[0] {
				t.Errorf("%s: peers %v", n.name, cfg.Peers)
			}
			addrs := cfg.Networks[other.zero.ID]
			if len(cfg.Networks) != 1 || len(addrs) != 2 || addrs[0] != other.nodes[0].full {
				t.Errorf("%s: networks %v", n.name, cfg.Networks)
			}
			if n.socket != filepath.Join(n.dir, api.AdminSocket) {
				t.Errorf("%s: socket %s", n.name, n.socket)
			}
		}
	}
	if len(ports) != 8 {
		t.Errorf("%d addresses for 4 nodes, want 8", len(ports))
	}
}

func TestAddressesAreKept(t *testing.T) {
	var cfg bootstrap.NodeConfig
	var c claims
	if err := c.address(&cfg); err != nil {
		t.Fatal(err)
	}
	c.release()
	before := cfg
	if err := c.address(&cfg); err != nil {
		t.Fatal(err)
	}
	c.release()
	if cfg.Listen[0] != before.Listen[0] || cfg.API != before.API {
		t.Errorf("free addresses were changed: %v %v, %v %v", before.Listen, before.API, cfg.Listen, cfg.API)
	}

	l, err := net.Listen("tcp", cfg.API)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := c.address(&cfg); err != nil {
		t.Fatal(err)
	}
	c.release()
	if cfg.API == before.API || cfg.Listen[0] != before.Listen[0] {
		t.Errorf("with the API's port taken: got %v %v, had %v %v", cfg.Listen, cfg.API, before.Listen, before.API)
	}
}

func TestForeignAddressesAreNotOurs(t *testing.T) {
	for _, listen := range []string{"", "/ip4/10.0.0.1/udp/7000/quic-v1", "/ip4/127.0.0.1/udp/70000/quic-v1", "/ip4/127.0.0.1/udp"} {
		if p := udpPort([]string{listen}); p != 0 {
			t.Errorf("%q: got port %d", listen, p)
		}
	}
	if p := udpPort([]string{"/ip4/127.0.0.1/udp/7000/quic-v1"}); p != 7000 {
		t.Errorf("got port %d", p)
	}
	for _, addr := range []string{"", "10.0.0.1:80", "127.0.0.1", "127.0.0.1:x"} {
		if p := tcpPort(addr); p != 0 {
			t.Errorf("%q: got port %d", addr, p)
		}
	}
}

func TestKeyFilesOfOthersAreRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := openAccount(dir, "alice"); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"short": `{"seed":"00"}`, "text": "alice", "empty": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, "alice.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openAccount(dir, "alice"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestShortPaths(t *testing.T) {
	short := t.TempDir()
	if len(short)+longestBelow <= maxNodeDir {
		got, remove, err := shorten(short)
		if err != nil || got != short {
			t.Errorf("got %s, %v; want it as it is", got, err)
		}
		remove()
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 20))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	link, remove, err := shorten(long)
	if err != nil {
		t.Fatal(err)
	}
	if len(link)+longestBelow > maxNodeDir {
		t.Errorf("%s is no shorter", link)
	}
	if err := os.WriteFile(filepath.Join(link, "x"), nil, 0o600); err != nil {
		t.Error(err)
	}
	remove()
	if _, err := os.Lstat(filepath.Dir(link)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link is left behind: %v", err)
	}
	if _, err := os.Stat(filepath.Join(long, "x")); err != nil {
		t.Errorf("what it led to is gone: %v", err)
	}
}

func TestManifest(t *testing.T) {
	dir := t.TempDir()
	networks := twoNetworks(t, dir)
	if err := configure(networks, dir, dir); err != nil {
		t.Fatal(err)
	}
	for _, net := range networks {
		for _, n := range net.nodes {
			defer n.close()
		}
	}
	d := &Devnet{dir: dir, short: dir, networks: networks}
	for range 2 { // the second replaces the first
		if err := d.save(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	v := m.Networks[1].Validators[0]
	if m.PID != os.Getpid() || m.ShortDir != "" || len(m.Networks) != 2 || m.Networks[1].ID != networks[1].zero.ID ||
		v.API != networks[1].nodes[0].cfg.API || v.P2P == "" || v.PID != 0 || len(v.Admin) >= 104 {
		t.Errorf("got %s", b)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestOptionsRefused(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"networks":   func(o *Options) { o.Networks = 27 },
		"negative":   func(o *Options) { o.Networks = -1 },
		"validators": func(o *Options) { o.Validators = 1 << 20 },
		"accounts":   func(o *Options) { o.Accounts = -1 },
		"epoch":      func(o *Options) { o.Epoch = time.Millisecond },
	} {
		var o Options
		if err := o.complete(); err != nil {
			t.Fatal(err)
		}
		change(&o)
		if err := o.complete(); !errors.Is(err, ErrOptions) || !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrOptions", name, err)
		}
	}
}

func TestStartFailsCleanly(t *testing.T) {
	// A program that ends at once: the start says so, with its last words.
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o := Options{Dir: dir, Validators: 1, Accounts: 1, Program: exe, Env: []string{childEnv + "=crash"}}
	_, err = Start(t.Context(), o)
	if !errors.Is(err, ErrDied) || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Fatalf("got %v, want ErrDied with the last words", err)
	}
	lock, err := lockDir(filepath.Join(dir, "devnet.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := Start(t.Context(), o); !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v, want ErrInUse", err)
	}
}
