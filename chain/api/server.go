package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/isthmus-network/isthmus/chain/api/isthmus/v1/isthmusv1connect"
)

// Bounds of a server.
const (
	maxRequest   = 1 << 20 // bytes of one request, decompressed
	maxAnswer    = 4 << 20 // bytes after which a list of objects is cut
	readTimeout  = 10 * time.Second
	writeTimeout = 20 * time.Second // of each write, so that a stream may last
	idleTimeout  = 2 * time.Minute
	closeTimeout = 5 * time.Second
)

// Options of a server. The zero value is usable.
type Options struct {
	Log      *slog.Logger  // nil discards
	Timeout  time.Duration // of one request; 0 is 10 s. Streams have none.
	Requests int           // most requests at a time; 0 is 256
	Streams  int           // most streams at a time; 0 is 128
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Requests == 0 {
		o.Requests = 256
	}
	if o.Streams == 0 {
		o.Streams = 128
	}
	return o
}

// Server serves a node's API. Its methods may be called at the same time.
type Server struct {
	mux *http.ServeMux
	log *slog.Logger
}

// NewServer serves b to clients: connect, gRPC, gRPC-Web and JSON.
func NewServer(b Backend, o Options) *Server {
	s, _ := newServer(b, o)
	return s
}

// NewAdminServer serves a, and b as well, to the operator. It is to be served on
// [ListenAdmin] and nowhere else: whoever reaches it is obeyed.
func NewAdminServer(b Backend, a Admin, o Options) *Server {
	s, opts := newServer(b, o)
	s.mux.Handle(isthmusv1connect.NewAdminServiceHandler(&adminService{a}, opts...))
	return s
}

func newServer(b Backend, o Options) (*Server, []connect.HandlerOption) {
	o = o.withDefaults()
	opts := []connect.HandlerOption{
		connect.WithInterceptors(newGuard(o)),
		connect.WithReadMaxBytes(maxRequest),
		connect.WithCompressMinBytes(1024),
		connect.WithRecover(func(_ context.Context, spec connect.Spec, _ http.Header, cause any) error {
			o.Log.Error("API call panicked", "call", spec.Procedure, "cause", fmt.Sprint(cause))
			return connect.NewError(connect.CodeInternal, ErrInternal)
		}),
	}
	s := &Server{mux: http.NewServeMux(), log: o.Log}
	s.mux.Handle(isthmusv1connect.NewNodeServiceHandler(&nodeService{b}, opts...))
	return s, opts
}

// Handler returns the server as a handler, for tests and for other servers. Write
// deadlines need a server that supports http.ResponseController.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := &deadlineWriter{ResponseWriter: w, rc: http.NewResponseController(w)}
		d.extend()
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = newDeadlineBody(r.Body, d.rc)
		}
		s.mux.ServeHTTP(d, r)
	})
}

// Serve answers connections on l, HTTP/1.1 and HTTP/2 without TLS, until ctx
// ends. It then ends the streams, waits up to five seconds for the requests that
// are under way, and returns nil. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	base, endStreams := context.WithCancel(context.Background())
	defer endStreams()
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	hs := &http.Server{
		Handler: s.Handler(), Protocols: &protocols,
		ReadHeaderTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 1 << 16,
		BaseContext: func(net.Listener) context.Context { return context.WithValue(base, drainKey{}, ctx.Done()) },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- hs.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("API on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := hs.Shutdown(grace)
	if err != nil {
		endStreams()
		err = hs.Close()
	}
	<-failed
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("API on %s: %w", l.Addr(), err)
	}
	return nil
}

// drainKey finds, in the context of a request, the channel that closes when the
// server begins to close: streams end then, requests go on.
type drainKey struct{}
