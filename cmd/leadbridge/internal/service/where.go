package service

import (
	"context"
	"errors"

	"github.com/leadbridge/leadbridge/find"
)

// errNoFinder says that the service's transformer is not one by which leads can be found.
var errNoFinder = errors.New("this service cannot look for leads")

// where looks for leads, within the CRM client's budget.
func (s *Service) where(ctx context.Context, who string, limit int, whole bool) (find.Report, error) {
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
	return f.Find(ctx, who)
}
