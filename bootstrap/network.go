package bootstrap

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/isthmus-network/isthmus/proofs"
)

const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// DefaultParameters returns what a network has unless it is told otherwise.
func DefaultParameters(name, symbol string, decimals uint8) proofs.Parameters {
	var p proofs.Parameters
	p.Name, p.Symbol, p.Decimals = name, symbol, decimals
	p.EpochDuration, p.TrustPeriod = 1*hour, 14*day
	p.MaxClockDrift, p.Heartbeat, p.ViewTimeout, p.MaxLag = 2*second, 10*second, 250, 64
	p.ExpiryWindow, p.MessageLifetime = 300, 1*hour
	p.BlockMessages, p.BlockGas = 5000, 50_000_000
	p.BaseFee, p.ByteFee, p.GasPrice = 10, 0, 0
	p.LinkWindow, p.MaxPayload = 4096, 16<<10
	p.ThresholdNum, p.ThresholdDen = 2, 3
	return p
}

// Options say what network to make.
type Options struct {
	Parameters  proofs.Parameters // begin with DefaultParameters
	Validators  int
	Weights     []uint64 // one for each validator; nil: 1 each
	Time        uint64   // of the zero-state, ms since the Unix epoch; the network cannot start before
	Allocations []Allocation
	Dir         string // made if it is missing
	// Host and BasePort give the validators their addresses: validator i speaks to
	// others on UDP port BasePort+2i and serves its API on TCP port BasePort+2i+1.
	// Without BasePort node.json lists no addresses, for an operator to fill in.
	Host     string // an IP address; empty: 127.0.0.1
	BasePort int
	Rand     io.Reader // of the keys; nil: crypto/rand
}

// Created is a network that was made.
type Created struct {
	Zero  *proofs.Zero
	Path  string   // of the zero-state document
	Nodes []string // the validators' folders, in the order of the set
}

// NewNetwork makes the files of a new network:
//
//	DIR/zero-state.json
//	DIR/validator-N/{keys.json, zero-state.json, node.json}
//
// N is the validator's place in the set. Nothing is ever overwritten: if any of
// it exists, the error is ErrExists and nothing is written.
func NewNetwork(o Options) (*Created, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	keys, err := o.generate()
	if err != nil {
		return nil, err
	}
	doc := ZeroState{Version: proofs.Version, Time: o.Time, Parameters: o.Parameters, Allocations: o.Allocations}
	for i, k := range keys {
		doc.Validators = append(doc.Validators, k.Validator(o.weight(i)))
	}
	zero, _, err := doc.Build()
	if err != nil {
		return nil, err
	}
	c := &Created{Zero: zero, Path: filepath.Join(o.Dir, ZeroStateFile)}
	for i := range keys {
		c.Nodes = append(c.Nodes, filepath.Join(o.Dir, "validator-"+strconv.Itoa(i)))
	}
	if err := c.write(&o, &doc, keys); err != nil {
		return nil, fmt.Errorf("new network: %w", err)
	}
	return c, nil
}

func (o *Options) check() error {
	switch {
	case o.Validators < 1 || o.Validators > proofs.MaxValidators:
		return fmt.Errorf("new network: got %d validators, want 1 to %d: %w", o.Validators, proofs.MaxValidators, ErrOptions)
	case o.Weights != nil && len(o.Weights) != o.Validators:
		return fmt.Errorf("new network: got %d weights for %d validators: %w", len(o.Weights), o.Validators, ErrOptions)
	case o.Dir == "":
		return fmt.Errorf("new network: no folder given: %w", ErrOptions)
	case o.BasePort < 0 || o.BasePort > 0 && o.BasePort+2*o.Validators > 1<<16:
		return fmt.Errorf("new network: base port %d leaves no room for %d validators: %w", o.BasePort, o.Validators, ErrOptions)
	}
	if o.Host != "" && net.ParseIP(o.Host) == nil {
		return fmt.Errorf("new network: host: got %.60q, want an IP address: %w", o.Host, ErrOptions)
	}
	return nil
}

func (o *Options) weight(i int) uint64 {
	if o.Weights == nil {
		return 1
	}
	return o.Weights[i]
}

// generate makes the keys in the order of the set, so that a validator's number
// is its place there.
func (o *Options) generate() ([]*Keys, error) {
	source := o.Rand
	if source == nil {
		source = rand.Reader
	}
	keys := make([]*Keys, o.Validators)
	for i := range keys {
		k, err := GenerateKeys(source)
		if err != nil {
			return nil, err
		}
		keys[i] = k
	}
	slices.SortFunc(keys, func(a, b *Keys) int {
		x, y := a.NodeKey(), b.NodeKey()
		return bytes.Compare(x[:], y[:])
	})
	return keys, nil
}

// nodeConfig returns node.json of validator i.
func (o *Options) nodeConfig(i int, keys []*Keys) *NodeConfig {
	c := &NodeConfig{Listen: []string{}, Peers: make(map[proofs.NodeKey][]string)}
	if o.BasePort == 0 {
		for j, k := range keys {
			if j != i {
				c.Peers[k.NodeKey()] = []string{}
			}
		}
		return c
	}
	c.Listen = []string{o.addr(i)}
	c.API = net.JoinHostPort(o.host(), strconv.Itoa(o.BasePort+2*i+1))
	for j, k := range keys {
		if j != i {
			c.Peers[k.NodeKey()] = []string{o.addr(j)}
		}
	}
	return c
}

func (o *Options) host() string {
	if o.Host == "" {
		return "127.0.0.1"
	}
	return o.Host
}

func (o *Options) addr(i int) string {
	family := "ip4"
	if net.ParseIP(o.host()).To4() == nil {
		family = "ip6"
	}
	return fmt.Sprintf("/%s/%s/udp/%d/quic-v1", family, o.host(), o.BasePort+2*i)
}

func (c *Created) write(o *Options, doc *ZeroState, keys []*Keys) error {
	for _, path := range append([]string{c.Path}, c.Nodes...) {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("%s: %w", path, ErrExists), err)
		}
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return err
	}
	for i, dir := range c.Nodes {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		if err := keys[i].Save(dir); err != nil {
			return err
		}
		if err := doc.Save(filepath.Join(dir, ZeroStateFile)); err != nil {
			return err
		}
		if err := createJSON(filepath.Join(dir, NodeFile), 0o644, o.nodeConfig(i, keys)); err != nil {
			return err
		}
	}
	return doc.Save(c.Path)
}
