package main

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/chain/api"
)

// nodeOptions is what "node run" takes from the command line. Listen and API
// replace what the data folder's node.json says, if they are given.
type nodeOptions struct {
	Dir     string
	Listen  []string // multiaddrs
	API     string   // host:port
	Log     *slog.Logger
	Version string
}

func (p *program) nodeCommand() *cli.Command {
	return &cli.Command{
		Name:  "node",
		Usage: "run a node and look at it",
		Subcommands: []*cli.Command{
			p.nodeRunCommand(),
			{
				Name:        "status",
				Usage:       "print what a node says of itself",
				Description: "Example:\n  isthmus node status --node 127.0.0.1:7001",
				Flags:       []cli.Flag{nodeFlag(), dirFlag(), jsonFlag()},
				Action:      p.nodeStatus,
			},
			{
				Name:        "watch",
				Usage:       "print blocks as they become final and certified",
				Description: "Example:\n  isthmus node watch --node 127.0.0.1:7001\n\nIt ends with an interrupt.",
				Flags:       []cli.Flag{nodeFlag(), dirFlag(), jsonFlag()},
				Action:      p.nodeWatch,
			},
			p.nodePeersCommand(),
		},
	}
}

func (p *program) nodeRunCommand() *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "run the node of a data folder until it is interrupted",
		Description: "Example:\n  isthmus node run --dir networks/a/validator-0\n\n" +
			"The folder holds keys.json, zero-state.json and node.json; see network new.\nLogs go to standard error.",
		Flags: []cli.Flag{
			dirFlag(),
			&cli.StringSliceFlag{Name: "listen", Usage: "multiaddr `ADDR` to listen on, instead of those in node.json"},
			&cli.StringFlag{Name: "api", Usage: "`HOST:PORT` of the API, instead of the one in node.json"},
			&cli.StringFlag{Name: "log-level", Usage: "`LEVEL`: debug, info, warn or error", Value: "info"},
			&cli.BoolFlag{Name: "json", Usage: "write logs as JSON"},
		},
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			o := nodeOptions{Dir: c.String("dir"), Listen: c.StringSlice("listen"), API: c.String("api"), Version: c.App.Version}
			if o.Dir == "" {
				return usage("no data folder given: want --dir")
			}
			var err error
			if o.Log, err = p.logger(c.String("log-level"), c.Bool("json")); err != nil {
				return err
			}
			return p.runNode(c.Context, o)
		},
	}
}

func (p *program) logger(level string, asJSON bool) (*slog.Logger, error) {
	var o slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("got log level %q, want debug, info, warn or error", level)
	}
	o.Level = l
	if asJSON {
		return slog.New(slog.NewJSONHandler(p.stderr, &o)), nil
	}
	return slog.New(slog.NewTextHandler(p.stderr, &o)), nil
}

func (p *program) nodeStatus(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	client, err := dialNode(c)
	if err != nil {
		return err
	}
	defer client.Close()
	info, err := client.Info(c.Context)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(info)
	}
	u := func(v uint64) string { return strconv.FormatUint(v, 10) }
	role := "follows, does not vote"
	if info.Validator >= 0 {
		role = fmt.Sprintf("%d of %d", info.Validator, info.Validators)
	}
	return p.printFields([][2]string{
		{"network", info.Parameters.Name + " " + info.Network.String()},
		{"asset", fmt.Sprintf("%s, %d decimals", info.Parameters.Symbol, info.Parameters.Decimals)},
		{"node", info.Node.String()},
		{"validator", role},
		{"version", fmt.Sprintf("%s, protocol %d", info.Version, info.Protocol)},
		{"started", p.ago(info.Started)},
		{"epoch", u(info.Epoch)},
		{"view", u(info.View)},
		{"final", u(info.Height)},
		{"executed", u(info.Executed)},
		{"certified", fmt.Sprintf("%d, which shows the state after %d", info.Certified, info.Proved)},
		{"key blocks", u(info.KeyBlocks)},
		{"connected", fmt.Sprintf("%d nodes", info.Peers)},
		{"listens on", orDash(strings.Join(info.Listen, " "))},
	})
}

func (p *program) nodeWatch(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	client, err := dialNode(c)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Watch(c.Context, func(e api.Event) error {
		if c.Bool("json") {
			return p.printJSON(e)
		}
		kind, err := e.Kind.MarshalText()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "%s\t%-9s\t%d\t%d items\n", clock(e.Time), kind, e.Height, e.Items)
		return err
	})
}
