package bootstrap

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// stream is randomness that a seed decides.
type stream struct {
	state [32]byte
	rest  []byte
}

func (s *stream) Read(p []byte) (int, error) {
	for i := range p {
		if len(s.rest) == 0 {
			s.state = sha256.Sum256(s.state[:])
			s.rest = slices.Clone(s.state[:])
		}
		p[i], s.rest = s.rest[0], s.rest[1:]
	}
	return len(p), nil
}

func options(t *testing.T) Options {
	return Options{
		Parameters: DefaultParameters("alpha", "ALP", 9), Validators: 4, Weights: []uint64{1, 2, 3, 4}, Time: 1_700_000_000_000,
		Allocations: []Allocation{{Account: proofs.AccountID{2}, Amount: proofs.NewAmount(5)}, {Account: proofs.AccountID{1}, Amount: proofs.NewAmount(7)}},
		Dir:         filepath.Join(t.TempDir(), "net"), BasePort: 4600, Rand: &stream{},
	}
}

func create(t *testing.T) (*Created, Options) {
	t.Helper()
	o := options(t)
	c, err := NewNetwork(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, o
}

func TestNewNetwork(t *testing.T) {
	c, o := create(t)
	doc, err := LoadZeroState(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	zero, entries, err := doc.Build()
	if err != nil || zero.ID != c.Zero.ID || zero.Set.Total() != 10 {
		t.Fatalf("got %v, %v; want network %s", zero, err, c.Zero.ID)
	}
	if root, err := merkle.TrieRoot(entries); err != nil || root != zero.StateRoot || len(entries) == 0 {
		t.Fatalf("got root %x of %d entries, %v; want %x", root[:4], len(entries), err, zero.StateRoot[:4])
	}
	for i, dir := range c.Nodes {
		keys, err := LoadKeys(dir)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := zero.Set.IndexOf(keys.NodeKey()); !ok || at != i || zero.Set.At(i).Key != keys.BLS.PublicKey().Bytes() {
			t.Fatalf("%s: the keys are not those of member %d", dir, i)
		}
		cfg, err := LoadNodeConfig(dir)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("127.0.0.1:%d", o.BasePort+2*i+1); cfg.API != want || len(cfg.Peers) != 3 || cfg.Peers[keys.NodeKey()] != nil {
			t.Fatalf("got %+v", cfg)
		}
		own, err := LoadZeroState(filepath.Join(dir, ZeroStateFile))
		if err != nil {
			t.Fatal(err)
		}
		if z, _, err := own.Build(); err != nil || z.ID != zero.ID {
			t.Fatalf("%s: got network %v, %v", dir, z, err)
		}
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	c, o := create(t)
	before, err := os.ReadFile(filepath.Join(c.Nodes[0], KeysFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewNetwork(o); !errors.Is(err, ErrExists) {
		t.Fatalf("got %v, want ErrExists", err)
	}
	if err := os.Remove(c.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := NewNetwork(o); !errors.Is(err, ErrExists) {
		t.Fatalf("validators are left: got %v, want ErrExists", err)
	}
	after, err := os.ReadFile(filepath.Join(c.Nodes[0], KeysFile))
	if err != nil || !bytes.Equal(before, after) {
		t.Fatalf("the keys changed: %v", err)
	}
}

func TestNewNetworkRefuses(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no validators": func(o *Options) { o.Validators = 0 },
		"weights":       func(o *Options) { o.Weights = []uint64{1} },
		"no folder":     func(o *Options) { o.Dir = "" },
		"ports":         func(o *Options) { o.BasePort = 65535 },
		"host":          func(o *Options) { o.Host = "example.org" },
	} {
		o := options(t)
		change(&o)
		if _, err := NewNetwork(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: got %v, want ErrOptions", name, err)
		}
	}
	o := options(t)
	o.Weights[2] = 0
	if _, err := NewNetwork(o); !errors.Is(err, proofs.ErrWeight) {
		t.Errorf("weight 0: got %v, want ErrWeight", err)
	}
	if _, err := os.Stat(o.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused network left files: %v", err)
	}
}

func TestTheIDDoesNotDependOnTheOrder(t *testing.T) {
	c, _ := create(t)
	doc, err := LoadZeroState(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(doc.Validators)
	slices.Reverse(doc.Allocations)
	zero, _, err := doc.Build()
	if err != nil || zero.ID != c.Zero.ID {
		t.Fatalf("got %v, %v; want the same id", zero, err)
	}
	doc.Allocations[0].Amount = proofs.NewAmount(8)
	if zero, _, err = doc.Build(); err != nil || zero.ID == c.Zero.ID {
		t.Fatalf("another allocation gives the same id, or %v", err)
	}
}

// SECURITY: BLS rogue key, subgroup, infinity; weight arithmetic; zero threshold.
func TestBuildRefuses(t *testing.T) {
	c, _ := create(t)
	for name, tc := range map[string]struct {
		change func(*ZeroState)
		want   error
	}{
		"possession": {func(z *ZeroState) { z.Validators[0].Possession = z.Validators[1].Possession }, proofs.ErrPossession},
		"foreign key": {func(z *ZeroState) {
			z.Validators[0].BLSKey, z.Validators[0].Possession = z.Validators[1].BLSKey, z.Validators[1].Possession
		}, proofs.ErrNotCanon},
		"infinity":  {func(z *ZeroState) { z.Validators[0].BLSKey = BLSKey{0xc0} }, bls.ErrInfinity},
		"weight":    {func(z *ZeroState) { z.Validators[0].Weight = 0 }, proofs.ErrWeight},
		"sum":       {func(z *ZeroState) { z.Validators[0].Weight = proofs.MaxTotalWeight }, proofs.ErrWeight},
		"twice":     {func(z *ZeroState) { z.Validators[0] = z.Validators[1] }, proofs.ErrNotCanon},
		"none":      {func(z *ZeroState) { z.Validators = nil }, proofs.ErrTooLarge},
		"threshold": {func(z *ZeroState) { z.Parameters.ThresholdDen = 0 }, proofs.ErrMalformed},
		"time":      {func(z *ZeroState) { z.Time = 0 }, proofs.ErrRoot},
		"version":   {func(z *ZeroState) { z.Version++ }, proofs.ErrVersion},
		"account":   {func(z *ZeroState) { z.Allocations[0].Account = z.Allocations[1].Account }, ErrDocument},
		"nothing":   {func(z *ZeroState) { z.Allocations[0].Amount = proofs.Amount{} }, ErrDocument},
		"overflow":  {func(z *ZeroState) { z.Allocations[0].Amount = proofs.Amount(bytes.Repeat([]byte{255}, 16)) }, ErrDocument},
	} {
		doc, err := LoadZeroState(c.Path)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := doc.Build(); err != nil {
			t.Fatalf("untouched: %v", err)
		}
		tc.change(doc)
		if _, _, err := doc.Build(); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

func TestLoadZeroStateIsStrict(t *testing.T) {
	c, _ := create(t)
	good, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown field": strings.Replace(string(good), `"version"`, `"extra": 1, "version"`, 1),
		"two documents": string(good) + "{}",
		"short key":     strings.Replace(string(good), `"bls_key": "`, `"bls_key": "00`, 1),
		"not hex":       strings.Replace(string(good), `"possession": "`, `"possession": "zz`, 1),
		"cut":           string(good[:len(good)/2]),
		"empty":         "",
	} {
		path := filepath.Join(t.TempDir(), "z.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadZeroState(path); !errors.Is(err, ErrDocument) {
			t.Errorf("%s: got %v, want ErrDocument", name, err)
		}
	}
	huge := filepath.Join(t.TempDir(), "huge.json")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, MaxZeroStateBytes+1); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadZeroState(huge); !errors.Is(err, ErrDocument) || !strings.Contains(err.Error(), "more than") {
		t.Errorf("huge: got %v", err)
	}
}

func TestKeyFilesMustBePrivate(t *testing.T) {
	c, _ := create(t)
	dir := c.Nodes[0]
	path := filepath.Join(dir, KeysFile)
	if _, err := LoadKeys(dir); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKeys(dir); !errors.Is(err, ErrExposed) {
			t.Errorf("mode %v: got %v, want ErrExposed", mode, err)
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(`{"node_seed":"","bls_secret":""}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKeys(dir); !errors.Is(err, ErrDocument) {
		t.Errorf("empty secrets: got %v, want ErrDocument", err)
	}
	if err := os.WriteFile(path, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKeys(dir); !errors.Is(err, ErrDocument) {
		t.Errorf("no secrets: got %v, want ErrDocument", err)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := secret{0xab}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%d"} {
		if got := fmt.Sprintf(verb, s); got != "secret(redacted)" {
			t.Errorf("%s: got %q", verb, got)
		}
	}
}

func TestNodeConfig(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	good := func() *NodeConfig {
		return &NodeConfig{
			Listen: []string{"/ip4/127.0.0.1/udp/1/quic-v1"}, API: "127.0.0.1:2",
			Peers:    map[proofs.NodeKey][]string{{1}: {"/ip4/127.0.0.1/udp/3/quic-v1"}},
			Networks: map[proofs.NetworkID][]string{{2}: {"/ip4/127.0.0.1/udp/4/quic-v1/p2p/12D3KooW"}},
		}
	}
	for range 2 { // the second time it replaces
		if err := SaveNodeConfig(dir, good()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := LoadNodeConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(good())
	if !bytes.Equal(a, b) {
		t.Fatalf("got %s, want %s", a, b)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Fatalf("got %v, %v; want one file", left, err)
	}
	for name, change := range map[string]func(*NodeConfig){
		"api":     func(c *NodeConfig) { c.API = "4600" },
		"listen":  func(c *NodeConfig) { c.Listen[0] = "127.0.0.1:1" },
		"peer":    func(c *NodeConfig) { c.Peers[proofs.NodeKey{1}][0] += "/p2p/12D3KooW" },
		"network": func(c *NodeConfig) { c.Networks[proofs.NetworkID{2}][0] = "/ip4/127.0.0.1/udp/4/quic-v1" },
		"zero id": func(c *NodeConfig) { c.Networks[proofs.HomeNetwork] = nil },
	} {
		c := good()
		change(c)
		if err := SaveNodeConfig(dir, c); !errors.Is(err, ErrDocument) {
			t.Errorf("%s: got %v, want ErrDocument", name, err)
		}
	}
}
