package bootstrap

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/isthmus-network/isthmus/proofs"
)

const maxNodeFileBytes = 1 << 20

// NodeConfig is what a node is told about its place in the world, dir/node.json.
// It holds no secret.
type NodeConfig struct {
	Listen   []string                      `json:"listen"`             // QUIC v1 multiaddrs, without /p2p
	API      string                        `json:"api"`                // host:port of the API; empty: none
	Peers    map[proofs.NodeKey][]string   `json:"peers"`              // nodes of this network: multiaddrs without /p2p
	Networks map[proofs.NetworkID][]string `json:"networks,omitempty"` // peer networks: full multiaddrs with /p2p of their nodes
}

// LoadNodeConfig reads dir/node.json, strictly.
func LoadNodeConfig(dir string) (*NodeConfig, error) {
	var c NodeConfig
	path := filepath.Join(dir, NodeFile)
	if err := readJSON(path, maxNodeFileBytes, &c); err != nil {
		return nil, fmt.Errorf("node configuration: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("node configuration: %s: %w", path, err)
	}
	return &c, nil
}

// SaveNodeConfig writes dir/node.json; a reader sees the old or the new content.
func SaveNodeConfig(dir string, c *NodeConfig) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("node configuration: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("node configuration: %w", err)
	}
	if err := replaceJSON(filepath.Join(dir, NodeFile), 0o644, c); err != nil {
		return fmt.Errorf("node configuration: %w", err)
	}
	return nil
}

// AddPeers adds addresses of nodes of this network to those that are there.
func (c *NodeConfig) AddPeers(peers map[proofs.NodeKey][]string) {
	if c.Peers == nil {
		c.Peers = make(map[proofs.NodeKey][]string, len(peers))
	}
	for node, addrs := range peers {
		for _, a := range addrs {
			if !slices.Contains(c.Peers[node], a) {
				c.Peers[node] = append(c.Peers[node], a)
			}
		}
	}
}

// check looks at the form of addresses; the transport parses them.
func (c *NodeConfig) check() error {
	if c.API != "" {
		if _, _, err := net.SplitHostPort(c.API); err != nil {
			return fmt.Errorf("api: %w: %w", ErrDocument, err)
		}
	}
	if err := checkAddrs("listen", c.Listen, false); err != nil {
		return err
	}
	for key, addrs := range c.Peers {
		if err := checkAddrs("peer "+key.String(), addrs, false); err != nil {
			return err
		}
	}
	for id, addrs := range c.Networks {
		if id == proofs.HomeNetwork {
			return fmt.Errorf("networks: got the zero id: %w", ErrDocument)
		}
		if err := checkAddrs("network "+id.String(), addrs, true); err != nil {
			return err
		}
	}
	return nil
}

func checkAddrs(what string, addrs []string, full bool) error {
	for _, a := range addrs {
		if !strings.HasPrefix(a, "/") || strings.Contains(a, "/p2p/") != full {
			want := "without"
			if full {
				want = "with"
			}
			return fmt.Errorf("%s: got %.100q, want a multiaddr %s /p2p: %w", what, a, want, ErrDocument)
		}
	}
	return nil
}
