package devnet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/proofs"
)

// Decimals of the tokens of networks that are made here.
const Decimals = 6

// endowment is what each demo account begins with: a million tokens.
var endowment = proofs.MulAmount(1_000_000, 1_000_000)

// network is one network on disk, and its validators.
type network struct {
	name     string
	dir      string
	zero     *proofs.Zero
	issued   proofs.Amount      // by the zero-state
	holders  []proofs.AccountID // in the zero-state
	accounts []*account
	nodes    []*node
}

// node is one validator: its folder, its process, and clients of it.
type node struct {
	name   string // "a/0"
	dir    string
	key    proofs.NodeKey
	cfg    *bootstrap.NodeConfig
	full   string // its address with /p2p
	socket string
	client *api.Client
	admin  *api.Client

	mu    sync.Mutex
	child *child // nil before the first start
}

func (n *node) log() string { return filepath.Join(n.dir, "node.log") }

// process returns the node's process, nil if none runs.
func (n *node) process() *child {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.child != nil && n.child.running() {
		return n.child
	}
	return nil
}

func (n *network) symbol() string { return n.zero.Parameters.Symbol }

// openNetwork loads the network in dir, or makes it.
func openNetwork(o *Options, name, dir string) (*network, error) {
	n := &network{name: name, dir: dir}
	path := filepath.Join(dir, bootstrap.ZeroStateFile)
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = n.create(o)
	}
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	doc, err := bootstrap.LoadZeroState(path)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	if err := n.load(doc); err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	return n, nil
}

func (n *network) accountsDir() string { return filepath.Join(n.dir, "accounts") }

// create makes the keys of the demo accounts and the network's files.
func (n *network) create(o *Options) error {
	if err := os.MkdirAll(n.accountsDir(), 0o700); err != nil {
		return err
	}
	var allocations []bootstrap.Allocation
	for i := range o.Accounts {
		a, err := openAccount(n.accountsDir(), accountName(i))
		if err != nil {
			return err
		}
		allocations = append(allocations, bootstrap.Allocation{Account: a.id, Amount: endowment})
	}
	p := bootstrap.DefaultParameters(n.name, "TOK"+strings.ToUpper(n.name), Decimals)
	p.EpochDuration = uint64(o.Epoch.Milliseconds())
	p.Heartbeat = min(p.Heartbeat, p.EpochDuration/2)
	if o.Adjust != nil {
		o.Adjust(n.name, &p)
	}
	_, err := bootstrap.NewNetwork(bootstrap.Options{
		Parameters: p, Validators: o.Validators, Time: uint64(time.Now().UnixMilli()), Allocations: allocations, Dir: n.dir,
	})
	return err
}

// load reads what the network's files say.
func (n *network) load(doc *bootstrap.ZeroState) error {
	zero, _, err := doc.Build()
	if err != nil {
		return err
	}
	n.zero = zero
	for _, a := range doc.Allocations {
		n.holders = append(n.holders, a.Account)
		if n.issued, err = add(n.issued, a.Amount); err != nil {
			return err
		}
	}
	if n.accounts, err = loadAccounts(n.accountsDir()); err != nil {
		return err
	}
	for i := range zero.Set.Len() {
		dir := filepath.Join(n.dir, "validator-"+strconv.Itoa(i))
		keys, err := bootstrap.LoadKeys(dir)
		if err != nil {
			return err
		}
		cfg, err := bootstrap.LoadNodeConfig(dir)
		if err != nil {
			return err
		}
		n.nodes = append(n.nodes, &node{name: n.name + "/" + strconv.Itoa(i), dir: dir, key: keys.NodeKey(), cfg: cfg})
	}
	return nil
}

// configure gives all nodes addresses, tells each of all others, and makes the
// clients. short is a folder through which dir is reached by a short path.
func configure(networks []*network, dir, short string) error {
	var c claims
	defer c.release()
	for _, net := range networks {
		for _, n := range net.nodes {
			if err := c.address(n.cfg); err != nil {
				return err
			}
			var err error
			if n.full, err = p2p.JoinAddr(n.cfg.Listen[0], n.key); err != nil {
				return err
			}
		}
	}
	for _, net := range networks {
		for _, n := range net.nodes {
			introduce(n, net, networks)
			if err := bootstrap.SaveNodeConfig(n.dir, n.cfg); err != nil {
				return err
			}
			if err := n.connect(dir, short); err != nil {
				return err
			}
		}
	}
	return nil
}

// introduce writes the others' addresses into n's configuration.
func introduce(n *node, own *network, networks []*network) {
	n.cfg.Peers = make(map[proofs.NodeKey][]string)
	if n.cfg.Networks == nil {
		n.cfg.Networks = make(map[proofs.NetworkID][]string)
	}
	for _, net := range networks {
		if net != own {
			n.cfg.Networks[net.zero.ID] = nil
		}
		for _, other := range net.nodes {
			switch {
			case net != own:
				n.cfg.Networks[net.zero.ID] = append(n.cfg.Networks[net.zero.ID], other.full)
			case other != n:
				n.cfg.Peers[other.key] = other.cfg.Listen
			}
		}
	}
}

// connect makes the node's clients.
func (n *node) connect(dir, short string) error {
	rel, err := filepath.Rel(dir, n.dir)
	if err != nil {
		return err
	}
	n.socket = filepath.Join(short, rel, api.AdminSocket)
	if n.client, err = api.Dial(n.cfg.API); err != nil {
		return err
	}
	n.admin, err = api.Dial("unix:" + n.socket)
	return err
}

func (n *network) info() NetworkInfo {
	info := NetworkInfo{Name: n.name, ID: n.zero.ID, Dir: n.dir, ZeroState: filepath.Join(n.dir, bootstrap.ZeroStateFile)}
	for _, a := range n.accounts {
		info.Accounts = append(info.Accounts, AccountInfo{Name: a.name, Account: a.id, KeyFile: a.file})
	}
	for _, v := range n.nodes {
		pid := 0
		if c := v.process(); c != nil {
			pid = c.pid()
		}
		info.Validators = append(info.Validators, ValidatorInfo{
			PID: pid, Node: v.key, Dir: v.dir, P2P: v.full, API: v.cfg.API, Admin: v.socket, Log: v.log(),
		})
	}
	return info
}

// add is a sum that must fit.
func add(a, b proofs.Amount) (proofs.Amount, error) {
	sum, ok := a.Add(b)
	if !ok {
		return sum, fmt.Errorf("%s + %s exceeds 128 bits", a, b)
	}
	return sum, nil
}

// byHope lists the validators, those whose process runs first. The others may have
// been started again by hand.
func (net *network) byHope() []*node {
	var running, others []*node
	for _, n := range net.nodes {
		if n.process() != nil {
			running = append(running, n)
		} else {
			others = append(others, n)
		}
	}
	return append(running, others...)
}
