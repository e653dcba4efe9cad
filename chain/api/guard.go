package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"connectrpc.com/connect"
)

// guard stands before every call: it bounds how many run at a time and for how
// long, and maps errors.
type guard struct {
	log      *slog.Logger
	timeout  time.Duration
	requests chan struct{}
	streams  chan struct{}
}

func newGuard(o Options) *guard {
	return &guard{
		log: o.Log, timeout: o.Timeout,
		requests: make(chan struct{}, o.Requests), streams: make(chan struct{}, o.Streams),
	}
}

func take(slots chan struct{}, what string) error {
	select {
	case slots <- struct{}{}:
		return nil
	default:
		return fmt.Errorf("%d %s at a time: %w", cap(slots), what, ErrBusy)
	}
}

// failed maps the error of a call and logs what the client is not told.
func (g *guard) failed(call string, err error) error {
	var ce *connect.Error
	if errors.As(err, &ce) {
		return ce
	}
	we := toWire(err)
	if we.Code() == connect.CodeInternal {
		g.log.Error("API call failed", "call", call, "error", err)
	}
	return we
}

// WrapUnary implements connect.Interceptor.
func (g *guard) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := take(g.requests, "requests"); err != nil {
			return nil, toWire(err)
		}
		defer func() { <-g.requests }()
		ctx, cancel := context.WithTimeout(ctx, g.timeout)
		defer cancel()
		res, err := next(ctx, req)
		if err != nil {
			return nil, g.failed(req.Spec().Procedure, err)
		}
		return res, nil
	}
}

// WrapStreamingClient implements connect.Interceptor; it is for handlers only.
func (g *guard) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor. A stream ends with
// ErrUnavailable when the server closes.
func (g *guard) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if err := take(g.streams, "streams"); err != nil {
			return toWire(err)
		}
		defer func() { <-g.streams }()
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		if drain, ok := ctx.Value(drainKey{}).(<-chan struct{}); ok {
			stop := afterClosed(drain, func() { cancel(fmt.Errorf("the node is closing: %w", ErrUnavailable)) })
			defer stop()
		}
		err := next(ctx, conn)
		if cause := context.Cause(ctx); errors.Is(err, context.Canceled) && errors.Is(cause, ErrUnavailable) {
			err = cause
		}
		if err != nil {
			return g.failed(conn.Spec().Procedure, err)
		}
		return nil
	}
}

// afterClosed calls fn once ch closes, unless stop is called before. stop waits
// for the goroutine behind it.
func afterClosed(ch <-chan struct{}, fn func()) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-ch:
			fn()
		case <-quit:
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
