Feature: The clock is one knob
  Everything that waits, waits by Virga's clock: delays, timeouts, expiry, long polls. A test moves it and never sleeps.

  Background:
    Given a queue "mail"

  Scenario: A frozen clock stands
    When I freeze the clock at "2030-06-01T12:00:00Z"
    Then it is "2030-06-01T12:00:00.000Z" and the clock is frozen

  Scenario: The clock is set, forwards and back
    When I set the clock to "2031-01-01T00:00:00Z"
    Then it is "2031-01-01T00:00:00.000Z" and the clock is frozen
    When I set the clock to "2029-01-01T00:00:00Z"
    Then it is "2029-01-01T00:00:00.000Z" and the clock is frozen

  Scenario: Time is let pass at once
    Given "rain" was sent to the queue "mail" with a delay of 900 seconds
    When I advance the clock by 899s
    Then the queue "mail" gives nothing
    When I advance the clock by 1s
    Then the queue "mail" gives "rain"
    And it is "2026-01-01T00:15:00.000Z" and the clock is frozen

  Scenario: A waiting call is woken by a clock that runs fast
    Given "rain" was sent to the queue "mail" with a delay of 15 seconds
    When I wait for a message from the queue "mail"
    And I let the clock run at the rate 600
    Then the waiting call gets "rain"
    And the clock runs at the rate 600

  Scenario: Work that is due is run when a test asks for it
    Given 3 messages that the queue "dead" keeps for the queue "work"
    When I start moving them back
    And I settle
    Then the queue "work" holds 3 messages
    And the queue "dead" holds 0 messages

  Scenario: A test may bound what it lets run
    Given "rain" was sent to the queue "mail"
    When I advance the clock by 5d, in 1 step at most
    Then the queue "mail" gives nothing
    When I advance the clock by 0s, in 0 steps at most
    Then it is refused with "BadRequest"
