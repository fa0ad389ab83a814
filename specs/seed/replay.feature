Feature: Replaying with a seed
  Ids are random, unless Virga is started with a seed: then the same calls give the same answers.

  Scenario: A run is repeated with its seed
    When I play my calls against a Virga with seed 7
    And I play my calls against a Virga with seed 7
    Then both runs got the same answers

  Scenario: Another seed draws other ids
    When I play my calls against a Virga with seed 7
    And I play my calls against a Virga with seed 8
    Then no two answers are the same

  Scenario: Asking Virga for its health changes nothing
    When I play my calls against a Virga with seed 7
    And I play my calls against a Virga with seed 7, asking for its health between them
    Then both runs got the same answers
