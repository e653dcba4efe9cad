package devnet

import (
	"context"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
)

// Status is what the running validators say at one moment.
type Status struct {
	Networks []NetworkStatus `json:"networks"`
}

// NetworkStatus sums up one network: the highest values that its nodes state.
type NetworkStatus struct {
	Name      string       `json:"name"`
	Answering int          `json:"answering"` // validators
	Total     int          `json:"validators"`
	Height    uint64       `json:"height"`
	Executed  uint64       `json:"executed"`
	Certified uint64       `json:"certified"`
	Epoch     uint64       `json:"epoch"`
	KeyBlocks uint64       `json:"key_blocks"`
	Links     []LinkStatus `json:"links"`
}

// LinkStatus is one network's side of a link.
type LinkStatus struct {
	Peer     string `json:"peer"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
	Sent     uint64 `json:"sent"`     // the end of the outbound queue
	Acked    uint64 `json:"acked"`    // of them, inducted by the peer
	Settled  uint64 `json:"settled"`  // of them, executed by the peer
	Received uint64 `json:"received"` // inducted here
	Executed uint64 `json:"executed"` // of them
	// Crossing is the time that the newest message from the peer took, from its
	// admission there to its execution here; 0 before the first.
	Crossing time.Duration `json:"-"`
	Millis   int64         `json:"crossing_ms,omitempty"`

	incarnation uint64
}

// Status asks all validators.
func (d *Devnet) Status(ctx context.Context) *Status {
	s := new(Status)
	for _, net := range d.networks {
		ns := NetworkStatus{Name: net.name, Total: len(net.nodes)}
		for _, n := range net.nodes {
			info, err := n.info(ctx)
			if err != nil {
				continue
			}
			ns.Answering++
			ns.Height, ns.Executed = max(ns.Height, info.Height), max(ns.Executed, info.Executed)
			ns.Certified, ns.Epoch = max(ns.Certified, info.Certified), max(ns.Epoch, info.Epoch)
			ns.KeyBlocks = max(ns.KeyBlocks, info.KeyBlocks)
		}
		links, err := net.links(ctx)
		if err == nil {
			for i := range links {
				ns.Links = append(ns.Links, d.linkStatus(&links[i]))
			}
		}
		s.Networks = append(s.Networks, ns)
	}
	return s
}

func (d *Devnet) linkStatus(l *api.Link) LinkStatus {
	return LinkStatus{
		Peer: d.nameOf(l.Peer), State: l.State, Reason: l.Reason, Sent: l.OutEnd, Acked: l.OutAcked, Settled: l.OutSettled,
		Received: l.InAcked, Executed: l.InSettled, incarnation: l.Incarnation,
	}
}
