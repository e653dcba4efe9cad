package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// proposeValidatorCommand holds the acts on the network's own validator set.
func (p *program) proposeValidatorCommand() *cli.Command {
	weight := &cli.Uint64Flag{Name: "weight", Usage: "its `WEIGHT` in the set"}
	key := &cli.StringFlag{Name: "validator", Usage: "its node `KEY`, in full"}
	command := func(name, does, example string, act func(c *cli.Context) (types.Act, error), flags ...cli.Flag) *cli.Command {
		return &cli.Command{
			Name: name, Usage: does,
			Description: "Example:\n  isthmus governance propose validator " + name + " --dir networks/a/validator-0 " + example,
			Flags:       append(append(flags, expiryFlag()), append(adminFlags(), jsonFlag())...),
			Action:      func(c *cli.Context) error { return p.proposeOnSet(c, act) },
		}
	}
	return &cli.Command{
		Name:  "validator",
		Usage: "change the network's own validator set",
		Subcommands: []*cli.Command{
			command("add", "make a node a validator", "--keys-from networks/a/fifth --weight 1", actAdd,
				&cli.StringFlag{Name: "keys-from", Usage: "`PATH` of the node's validator.json, or of a folder that holds it"}, weight),
			command("remove", "take a validator out of the set", "--validator NODE-KEY", actRemove, key),
			command("weight", "give a validator another weight", "--validator NODE-KEY --weight 2", actWeight, key, weight),
		},
	}
}

func (p *program) proposeOnSet(c *cli.Context, make func(c *cli.Context) (types.Act, error)) error {
	if err := noArgs(c); err != nil {
		return err
	}
	act, err := make(c)
	if err != nil {
		return err
	}
	act.Expiry = p.expiry(c)
	client, err := dialAdmin(c)
	if err != nil {
		return err
	}
	defer client.Close()
	return p.proposeAct(c, client, act)
}

func weightFlag(c *cli.Context) (uint64, error) {
	if w := c.Uint64("weight"); w > 0 {
		return w, nil
	}
	return 0, usage("--weight: want a positive number")
}

func actAdd(c *cli.Context) (types.Act, error) {
	act := types.Act{Kind: types.ActValidator}
	if c.String("keys-from") == "" {
		return act, usage("--keys-from is missing")
	}
	v, err := bootstrap.LoadValidator(c.String("keys-from"))
	if err != nil {
		return act, err
	}
	if v.Weight, err = weightFlag(c); err != nil {
		return act, err
	}
	m := v.Member()
	if _, err := proofs.NewValidatorSet([]proofs.Validator{m}); err != nil { // keys and possession
		return act, err
	}
	act.Validator = &m
	return act, nil
}

func actRemove(c *cli.Context) (types.Act, error) {
	node, err := validatorFlag(c)
	return types.Act{Kind: types.ActRemoveValidator, Validator: &proofs.Validator{Node: node}}, err
}

func actWeight(c *cli.Context) (types.Act, error) {
	act := types.Act{Kind: types.ActValidator}
	node, err := validatorFlag(c)
	if err != nil {
		return act, err
	}
	w, err := weightFlag(c)
	act.Validator = &proofs.Validator{Node: node, Weight: w} // the node fills in the keys
	return act, err
}

func validatorFlag(c *cli.Context) (node proofs.NodeKey, err error) {
	if c.String("validator") == "" {
		return node, usage("--validator is missing")
	}
	return node, node.UnmarshalText([]byte(c.String("validator")))
}

func (p *program) networkValidatorsCommand() *cli.Command {
	return &cli.Command{
		Name:        "validators",
		Usage:       "list the validators in office, and those that governance chose",
		Description: "Example:\n  isthmus network validators --node 127.0.0.1:7001",
		Flags:       []cli.Flag{nodeFlag(), dirFlag(), jsonFlag()},
		Action:      p.networkValidators,
	}
}

func (p *program) networkValidators(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	client, err := dialNode(c)
	if err != nil {
		return err
	}
	defer client.Close()
	m, err := client.Validators(c.Context)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(struct {
			*api.Membership
			Set     hexHash `json:"set_hash"`
			Next    hexHash `json:"next_set_hash"`
			Pending bool    `json:"pending"`
		}{m, hexHash(m.SetHash), hexHash(m.NextHash), m.Pending()})
	}
	next := "none: the set in office goes on"
	if m.Pending() {
		next = fmt.Sprintf("chosen by act %d; ready: %d of %d, wanted is more than two thirds", m.Sequence, m.ReadyWeight, m.NextTotal)
	}
	if err := p.printFields([][2]string{
		{"epoch", fmt.Sprintf("%d, over %s", m.Epoch, p.ago(m.EpochEnd))},
		{"set in office", fmt.Sprintf("%s, weight %d", hexHash(m.SetHash), m.Total)},
		{"change", next},
	}); err != nil {
		return err
	}
	rows := make([][]string, 0, len(m.Members))
	for i := range m.Members {
		v := &m.Members[i]
		rows = append(rows, []string{v.Node.String(), weightOf(v.Weight), weightOf(v.Next), yesNo(v.Ready), yesNo(v.Connected)})
	}
	return p.printTable([]string{"NODE KEY", "WEIGHT", "CHOSEN", "READY", "CONNECTED"}, rows)
}

func weightOf(w uint64) string {
	if w == 0 {
		return "-"
	}
	return strconv.FormatUint(w, 10)
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

func (p *program) networkJoinCommand() *cli.Command {
	return &cli.Command{
		Name:  "join",
		Usage: "make the data folder of a node of a network that exists",
		Description: `Example:
  isthmus network join --zero-state zero-state.json --dir fifth \
    --listen /ip4/0.0.0.0/udp/7010/quic-v1 --api 127.0.0.1:7011 \
    --peers /ip4/203.0.113.2/udp/7000/quic-v1/p2p/PEER-ID

The folder gets new keys. Its node follows the network; to make it a validator, give
DIR/validator.json, which holds no secret, to the operators of those in office.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "zero-state", Usage: "the network's zero-state document `FILE`, or its folder"},
			&cli.StringFlag{Name: "dir", Usage: "folder `DIR` to make"},
			&cli.StringSliceFlag{Name: "peers", Usage: "`ADDR`: multiaddr with /p2p of a node of the network; may be repeated"},
			&cli.StringSliceFlag{Name: "listen", Usage: "multiaddr `ADDR` to listen on; may be repeated"},
			&cli.StringFlag{Name: "api", Usage: "`HOST:PORT` of its API", DefaultText: "none"},
			jsonFlag(),
		},
		Action: p.networkJoin,
	}
}

func (p *program) networkJoin(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	for _, name := range []string{"zero-state", "dir", "peers", "listen"} {
		if !c.IsSet(name) {
			return usage("--%s is missing", name)
		}
	}
	doc, err := loadZeroState(c.String("zero-state"))
	if err != nil {
		return err
	}
	peers := make(map[proofs.NodeKey][]string)
	for _, full := range c.StringSlice("peers") {
		node, addr, err := p2p.SplitAddr(full)
		if err != nil {
			return usage("--peers: %v", err)
		}
		peers[proofs.NodeKey(node)] = append(peers[proofs.NodeKey(node)], addr)
	}
	j, err := bootstrap.Join(bootstrap.JoinOptions{
		ZeroState: doc, Dir: c.String("dir"), Listen: c.StringSlice("listen"), API: c.String("api"), Peers: peers,
	})
	if err != nil {
		return err
	}
	public := filepath.Join(c.String("dir"), bootstrap.ValidatorFile)
	if c.Bool("json") {
		return p.printJSON(map[string]any{"network": j.Zero.ID, "node": j.Validator.Node, "validator": public})
	}
	return p.printFields([][2]string{{"network", j.Zero.ID.String()}, {"node key", j.Validator.Node.String()}, {"public keys", public}})
}

// loadZeroState reads a zero-state document, or the one in a folder.
func loadZeroState(path string) (*bootstrap.ZeroState, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if fi.IsDir() {
		path = filepath.Join(path, bootstrap.ZeroStateFile)
	}
	return bootstrap.LoadZeroState(path)
}

func (p *program) nodePeersCommand() *cli.Command {
	return &cli.Command{
		Name:  "peers",
		Usage: "tell a node where other nodes of its network are",
		Subcommands: []*cli.Command{{
			Name:      "add",
			Usage:     "keep further nodes of its network connected, now and after a restart",
			ArgsUsage: "ADDR…",
			Description: "Example:\n  isthmus node peers add --dir networks/a/validator-0 /ip4/203.0.113.6/udp/7010/quic-v1/p2p/PEER-ID\n\n" +
				"A node that joins connects to the others by itself. Its address is of use to those that\njoin after it, and wherever it can be called but cannot call.",
			Flags:  adminFlags(),
			Action: p.nodePeersAdd,
		}},
	}
}

func (p *program) nodePeersAdd(c *cli.Context) error {
	if !c.Args().Present() {
		return usage("got no address, want at least one")
	}
	client, err := dialAdmin(c)
	if err != nil {
		return err
	}
	defer client.Close()
	info, err := client.Info(c.Context)
	if err != nil {
		return err
	}
	return client.SetPeers(c.Context, info.Network, c.Args().Slice())
}
