//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// scrape is how often the metrics are read: a Prometheus of a careful operator does it
// every 15 s.
const scrape = time.Second

// watchStatus does with a status page what Prometheus and a browser do, until ctx
// ends.
func watchStatus(ctx context.Context, at netip.AddrPort) error {
	var all sync.WaitGroup
	errs := make([]error, 2)
	all.Go(func() { errs[0] = scrapeMetrics(ctx, at) })
	all.Go(func() { errs[1] = readLive(ctx, at) })
	all.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(errs...)
}

func scrapeMetrics(ctx context.Context, at netip.AddrPort) error {
	tick := time.NewTicker(scrape)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		body, err := ask200(ctx, at, "/metrics")
		if err != nil {
			return err
		}
		text, err := io.ReadAll(body)
		body.Close()
		if err == nil && !bytes.Contains(text, []byte("natftpd_sessions")) {
			err = errors.New("the metrics name no sessions")
		}
		if err != nil {
			return err
		}
	}
}

// readLive reads the server-sent events of the page.
func readLive(ctx context.Context, at netip.AddrPort) error {
	body, err := ask200(ctx, at, "/live")
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := bufio.NewReader(body).WriteTo(io.Discard); err != nil {
		return err
	}
	return errors.New("the status page ended")
}

func ask200(ctx context.Context, at netip.AddrPort, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s%s", at, path), nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return answer.Body, nil
}
