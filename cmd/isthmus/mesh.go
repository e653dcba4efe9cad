package main

import (
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func (p *program) meshCommand() *cli.Command {
	return &cli.Command{
		Name:  "mesh",
		Usage: "look after the links to other networks",
		Subcommands: []*cli.Command{
			{
				Name:  "register",
				Usage: "propose a network as a peer and tell the node where to reach it",
				Description: "Example:\n  isthmus mesh register --dir networks/a/validator-0 --peer NETWORK-ID \\\n" +
					"    --addr /ip4/10.0.0.7/udp/7100/quic-v1/p2p/12D3KooW…\n\n" +
					"It is governance propose register and mesh peers add in one. The other\nvalidators approve with governance approve.",
				Flags:  append(append(registrationFlags(), addrFlag()), append(adminFlags(), jsonFlag())...),
				Action: p.meshRegister,
			},
			{
				Name:        "status",
				Usage:       "list the links to peer networks",
				Description: "Example:\n  isthmus mesh status --node 127.0.0.1:7001",
				Flags:       []cli.Flag{nodeFlag(), dirFlag(), jsonFlag()},
				Action:      p.meshStatus,
			},
			{
				Name:  "peers",
				Usage: "the addresses of peer networks' nodes",
				Subcommands: []*cli.Command{{
					Name:        "add",
					Usage:       "tell the node where nodes of a peer network are reached",
					Description: "Example:\n  isthmus mesh peers add --dir networks/a/validator-0 --peer NETWORK-ID --addr /ip4/…/p2p/…",
					Flags:       append([]cli.Flag{peerFlag(), addrFlag()}, adminFlags()...),
					Action:      p.meshPeersAdd,
				}},
			},
		},
	}
}

func addrFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "addr", Usage: "multiaddr `ADDR` of a node there, with /p2p/; may be repeated"}
}

func (p *program) meshRegister(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	client, err := dialAdmin(c)
	if err != nil {
		return err
	}
	defer client.Close()
	if len(c.StringSlice("addr")) > 0 {
		if err := setPeers(c, client); err != nil {
			return err
		}
	}
	return p.proposeOn(c, client, types.ActRegister)
}

func (p *program) meshPeersAdd(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	client, err := dialAdmin(c)
	if err != nil {
		return err
	}
	defer client.Close()
	return setPeers(c, client)
}

func setPeers(c *cli.Context, client *api.Client) error {
	if c.String("peer") == "" || len(c.StringSlice("addr")) == 0 {
		return usage("--peer and --addr are wanted")
	}
	var id proofs.NetworkID
	if err := id.UnmarshalText([]byte(c.String("peer"))); err != nil {
		return err
	}
	return client.SetPeers(c.Context, id, c.StringSlice("addr"))
}

func (p *program) meshStatus(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	client, err := dialNode(c)
	if err != nil {
		return err
	}
	defer client.Close()
	links, err := client.Links(c.Context)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(links)
	}
	rows := make([][]string, 0, len(links))
	for i := range links {
		rows = append(rows, p.linkRow(&links[i]))
	}
	return p.printTable([]string{"PEER", "NAME", "STATE", "LIFE", "EPOCH", "NEWEST HEADER", "TRUST EXPIRES",
		"OUT", "OUT ACKED", "OUT SETTLED", "IN", "IN SETTLED", "FAILED", "OLDEST", "REASON"}, rows)
}

func (p *program) linkRow(l *api.Link) []string {
	u := func(v uint64) string { return strconv.FormatUint(v, 10) }
	reason := l.Reason
	if l.FollowerError != "" {
		if reason != "" {
			reason += "; "
		}
		reason += l.FollowerError
	}
	oldest := "-"
	if l.OldestPending > 0 {
		oldest = millis(l.OldestPending)
	}
	return []string{
		l.Peer.Short(), orDash(l.Name), l.State, u(l.Incarnation), u(l.Epoch), p.ago(l.HeaderTime), p.ago(l.TrustExpiry),
		fmt.Sprintf("[%d,%d)", l.OutBegin, l.OutEnd), u(l.OutAcked), u(l.OutSettled), u(l.InAcked), u(l.InSettled),
		u(l.Outcomes), oldest, orDash(reason),
	}
}
