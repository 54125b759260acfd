package service

import (
	"context"
	"errors"

	"github.com/leadbridge/leadbridge/find"
)

// errNoFinder is returned when the service's transformer is not one by which leads can be found.
var errNoFinder = errors.New("this service cannot look for leads")

// where looks for the leads that a text may mean, see [find.Finder.Find]; whole is NoTextSearch of [find.Config]. Its requests
// to the CRM are within the budget of the delivery.
func (s *Service) where(ctx context.Context, text string, limit int, whole bool) (find.Report, error) {
	by, ok := s.cfg.Transformer.(find.Transformer)
	if !ok {
		return find.Report{}, errNoFinder
	}
	cfg := s.cfg.Consumer
	f := find.New(find.Config{
		Brokers: cfg.Brokers, Topic: cfg.Topic, DeadLetterTopic: cfg.DeadLetterTopic, ResultTopic: cfg.ResultTopic, GroupID: cfg.GroupID,
		Transformer: by, CRM: s.crm, Limit: limit, NoTextSearch: whole,
	})
	defer f.Close()
	return f.Find(ctx, text)
}
