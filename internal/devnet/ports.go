package devnet

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/isthmus-network/isthmus/bootstrap"
)

const host = "127.0.0.1"

// claims holds ports open until all are chosen, so that none is chosen twice.
type claims struct{ held []io.Closer }

func (c *claims) release() {
	for _, h := range c.held {
		_ = h.Close()
	}
	c.held = nil
}

// udp claims a port: the given one if it is free, otherwise one of the kernel's
// choice.
func (c *claims) udp(port int) (int, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(host), Port: port})
	if err != nil && port != 0 {
		return c.udp(0)
	}
	if err != nil {
		return 0, err
	}
	c.held = append(c.held, conn)
	return conn.LocalAddr().(*net.UDPAddr).Port, nil
}

// tcp is udp for TCP.
func (c *claims) tcp(port int) (int, error) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.ParseIP(host), Port: port})
	if err != nil && port != 0 {
		return c.tcp(0)
	}
	if err != nil {
		return 0, err
	}
	c.held = append(c.held, l)
	return l.Addr().(*net.TCPAddr).Port, nil
}

// address gives a node its addresses: those it had, where they are still free.
func (c *claims) address(cfg *bootstrap.NodeConfig) error {
	p2p, err := c.udp(udpPort(cfg.Listen))
	if err != nil {
		return fmt.Errorf("a port for peers: %w", err)
	}
	api, err := c.tcp(tcpPort(cfg.API))
	if err != nil {
		return fmt.Errorf("a port for the API: %w", err)
	}
	cfg.Listen = []string{fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", host, p2p)}
	cfg.API = net.JoinHostPort(host, strconv.Itoa(api))
	return nil
}

// udpPort returns the port of the first address that is ours, or 0.
func udpPort(listen []string) int {
	for _, a := range listen {
		parts := strings.Split(a, "/") // "", ip4, host, udp, port, quic-v1
		if len(parts) == 6 && parts[2] == host {
			return portOf(parts[4])
		}
	}
	return 0
}

func tcpPort(addr string) int {
	h, port, err := net.SplitHostPort(addr)
	if err != nil || h != host {
		return 0
	}
	return portOf(port)
}

func portOf(s string) int {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}
