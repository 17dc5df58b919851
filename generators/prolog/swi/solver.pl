/*  The two searches of README.md as a meta-interpreter that writes down what it does: text in, text out.

    A text has a request in each line, so that a call can bring several; so has what comes back. ASCII
    characters are marks, all others are words, or numbers from 0x100 on. The theory stays an argument: nothing
    is asserted, and no atom, functor or global variable is made.

        request   ::= mode steps ';' entities ';' theory question ';'        mode: 'b' or 'f'; steps in decimals
        literal   ::= arity key argument ...                              all arguments are entities
                    | ('A' | 'B' | 'C') key argument ...                  one to three, '@' + I is variable I
        rule      ::= 'r' name literal ('h' I word)* (('v' I word)* literal)* ';'

    where a key is one character for polarity and predicate, its lowest bit the polarity; `h` are the variables
    of the head that the search binds (backward: all of it, forward: those that the body leaves free) and `v`
    those that the next literal of the body binds first.

        backward  ::= ('f' literal name+ ';')* ('k' key rule+ ';')*
                      facts, each with the names of all that state it; rules by the key of their head
        forward   ::= ('k' key literal* ';')* rule* ('t' key (place literal-place)* ';')*
                      known literals by key, with a group for every head; then which literals of the bodies have
                      a key, in stated order; places count from 1

    A reply is a line with a letter for each event and a character for each word, then a line with the answer
    (an index into ANSWERS) and the number of events:

        c call  u use  U reuse  b bind  n unbind  x exit  r redo  f fail  l loop  o obtain  k known  e finish
        m limit

    If anything went wrong the second line is `error` and the reason. In memory a literal is
    l(Key, Argument, ...), a rule r(Name, Head, HeadVariables, Body), a variable v(Word, Variable), and a
    literal of a body b(Free, Literal).
*/
:- module(solver, [solve/2]).
:- set_prolog_flag(generate_debug_info, false).
:- set_prolog_flag(optimise, true).

%!  solve(+Requests, -Replies) is det.

solve(Requests, Replies) :-
    catch(with_output_to(string(Replies), answers(Requests)), Error, failed(Error, Replies)),
    !.
solve(_, "\nerror no reply\n").

failed(Error, Replies) :-
    format(string(Replies), "~nerror ~q~n", [Error]).

answers(Requests) :-
    split_string(Requests, "\n", "", Lines),
    answer_each(Lines).

answer_each([]).
answer_each([Request|Requests]) :-
    \+ \+ answer(Request),
    answer_each(Requests).

% All failures and exceptions end inside the capture, which would lose what was written otherwise.
answer(Request) :-
    catch(searched(Request), Error, unexpected(Error)),
    !.
answer(_) :-
    write("\nerror the request cannot be read\n").

unexpected(Error) :-
    format("~nerror ~q~n", [Error]).

searched(Request) :-
    string_codes(Request, [Mode|Codes]),
    steps(Codes, 0, Steps, Codes1),
    words(Codes1, Entities, Codes2),
    search(Mode, Codes2, Steps, Entities).

search(0'b, Codes, Steps, Entities) :-
    facts(Codes, Facts, Codes1),
    groups(Codes1, Groups, [Arity|Codes2]),
    literal(Arity, Codes2, none, Question, [0';]),
    Theory = theory(Steps, Facts, Groups, Entities),
    catch(decided(Question, Theory, Answer), step_limit, limit(Answer)),
    result(Theory, Steps, Answer).
search(0'f, Codes, Steps, Entities) :-
    known(Codes, Known, Codes1),
    rules(Codes1, Rules, Codes2),
    triggers(Codes2, Triggers, [Arity|Codes3]),
    literal(Arity, Codes3, none, Question, [0';]),
    Program =.. [rules|Rules],
    Theory = theory(Steps, Known, Program, Triggers, Entities),
    catch(looked_up(Rules, Question, Theory, Answer), step_limit, limit(Answer)),
    result(Theory, Steps, Answer).

limit(3) :-
    put_char(0'm).

result(Theory, Steps, Answer) :-
    arg(1, Theory, Left),
    (   Answer =:= 3
    ->  Events is Steps - Left + 1
    ;   Events is Steps - Left
    ),
    format("~n~d ~d~n", [Answer, Events]).

%   Reading a request: every predicate takes the codes and gives what is left of them. The first argument is
%   the next mark, so that clauses are chosen by it and no choice is left behind.

steps([Code|Codes], Steps0, Steps, Rest) :-
    (   Code =:= 0';
    ->  Steps = Steps0,
        Rest = Codes
    ;   Steps1 is Steps0 * 10 + Code - 0'0,
        steps(Codes, Steps1, Steps, Rest)
    ).

words([Code|Codes], Words, Rest) :-
    (   Code =:= 0';
    ->  Words = [],
        Rest = Codes
    ;   Words = [Code|Words1],
        words(Codes, Words1, Rest)
    ).

literal(0'0, [Key|Rest], _, l(Key), Rest).
literal(0'1, [Key, A|Rest], _, l(Key, A), Rest).
literal(0'2, [Key, A, B|Rest], _, l(Key, A, B), Rest).
literal(0'3, [Key, A, B, C|Rest], _, l(Key, A, B, C), Rest).
literal(0'A, [Key, A0|Rest], Variables, l(Key, A), Rest) :-
    argument(A0, Variables, A).
literal(0'B, [Key, A0, B0|Rest], Variables, l(Key, A, B), Rest) :-
    argument(A0, Variables, A),
    argument(B0, Variables, B).
literal(0'C, [Key, A0, B0, C0|Rest], Variables, l(Key, A, B, C), Rest) :-
    argument(A0, Variables, A),
    argument(B0, Variables, B),
    argument(C0, Variables, C).

argument(Code, Variables, Argument) :-
    (   Code < 0x100
    ->  Index is Code - 0'@,
        arg(Index, Variables, Argument)
    ;   Argument = Code
    ).

facts([0'f, Arity|Codes], [f(Fact, Names)|Facts], Rest) :-
    !,
    literal(Arity, Codes, none, Fact, Codes1),
    words(Codes1, Names, Codes2),
    facts(Codes2, Facts, Rest).
facts(Codes, [], Codes).

groups([0'k, Key|Codes], [k(Key, Rules)|Groups], Rest) :-
    !,
    rules(Codes, Rules, [0';|Codes1]),
    groups(Codes1, Groups, Rest).
groups(Codes, [], Codes).

rules([0'r, Name, Arity|Codes], [r(Name, Head, Bound, Body)|Rules], Rest) :-
    !,
    Variables = variables(_, _, _, _, _, _),
    literal(Arity, Codes, Variables, Head, [Mark|Codes1]),
    bound(Mark, Codes1, Variables, Bound, Body, Codes2),
    rules(Codes2, Rules, Rest).
rules(Codes, [], Codes).

bound(0'h, [Index, Word, Mark|Codes], Variables, [v(Word, Value)|Bound], Body, Rest) :-
    !,
    argument(Index, Variables, Value),
    bound(Mark, Codes, Variables, Bound, Body, Rest).
bound(Mark, Codes, Variables, [], Body, Rest) :-
    bodies(Mark, Codes, Variables, Body, Rest).

bodies(0';, Codes, _, [], Codes) :-
    !.
bodies(Mark, Codes, Variables, [b(Free, Literal)|Body], Rest) :-
    free(Mark, Codes, Variables, Free, Arity, Codes1),
    literal(Arity, Codes1, Variables, Literal, [Mark1|Codes2]),
    bodies(Mark1, Codes2, Variables, Body, Rest).

free(0'v, [Index, Word, Mark|Codes], Variables, [v(Word, Value)|Free], Arity, Rest) :-
    !,
    argument(Index, Variables, Value),
    free(Mark, Codes, Variables, Free, Arity, Rest).
free(Arity, Codes, _, [], Arity, Codes).

known([0'k, Key, Mark|Codes], [k(Key, known(Literals, Last))|Known], Rest) :-
    !,
    literals(Mark, Codes, Literals, Codes1),
    last_cell(Literals, Last),
    known(Codes1, Known, Rest).
known(Codes, [], Codes).

literals(0';, Codes, [], Codes) :-
    !.
literals(Arity, Codes, [Literal|Literals], Rest) :-
    literal(Arity, Codes, none, Literal, [Mark|Codes1]),
    literals(Mark, Codes1, Literals, Rest).

last_cell([], []) :-
    !.
last_cell(Cells, Last) :-
    Cells = [_|Rest],
    (   Rest == []
    ->  Last = Cells
    ;   last_cell(Rest, Last)
    ).

triggers([0't, Key|Codes], [k(Key, Places)|Triggers], Rest) :-
    !,
    words(Codes, Numbers, Codes1),
    places(Numbers, Places),
    triggers(Codes1, Triggers, Rest).
triggers(Codes, [], Codes).

places([], []).
places([Rule, Literal|Numbers], [p(RulePlace, Place)|Places]) :-
    RulePlace is Rule - 0x100,
    Place is Literal - 0x100,
    places(Numbers, Places).

%   Events

%!  step(+Theory, +Letter) is det.
%
%   The first argument of a theory counts down the steps that are left, whatever is backtracked over.

step(Theory, Letter) :-
    arg(1, Theory, Left),
    (   Left > 0
    ->  Rest is Left - 1,
        nb_setarg(1, Theory, Rest),
        put_char(Letter)
    ;   throw(step_limit)
    ).

put(l(Key)) :-
    put_char(Key).
put(l(Key, A)) :-
    put_char(Key), put_char(A).
put(l(Key, A, B)) :-
    put_char(Key), put_char(A), put_char(B).
put(l(Key, A, B, C)) :-
    put_char(Key), put_char(A), put_char(B), put_char(C).

complement(l(Key), l(Other)) :-
    Other is Key xor 1.
complement(l(Key, A), l(Other, A)) :-
    Other is Key xor 1.
complement(l(Key, A, B), l(Other, A, B)) :-
    Other is Key xor 1.
complement(l(Key, A, B, C), l(Other, A, B, C)) :-
    Other is Key xor 1.

%   Backward: theory(StepsLeft, Facts, Groups, Entities)

decided(Question, Theory, 0) :-
    prove(Question, [], Theory),
    !.
decided(Question, Theory, 1) :-
    complement(Question, Complement),
    prove(Complement, [], Theory),
    !.
decided(_, _, 2).

prove(Goal, Ancestors, Theory) :-
    step(Theory, 0'c), put(Goal),
    (   memberchk(Goal, Ancestors)
    ->  step(Theory, 0'l),
        step(Theory, 0'f), put(Goal),
        fail
    ;   true
    ),
    (   way(Goal, Ancestors, Theory),
        leave(Theory, Goal)
    ;   step(Theory, 0'f), put(Goal),
        fail
    ).

leave(Theory, Goal) :-
    step(Theory, 0'x), put(Goal).
leave(Theory, Goal) :-
    step(Theory, 0'r), put(Goal),
    fail.

way(Goal, _, Theory) :-
    arg(2, Theory, Facts),
    memberchk(f(Goal, Names), Facts),
    member(Name, Names),
    step(Theory, 0'u), put_char(Name).
way(Goal, Ancestors, Theory) :-
    arg(3, Theory, Groups),
    arg(1, Goal, Key),
    memberchk(k(Key, Rules), Groups),
    member(Rule, Rules),
    copy_term(Rule, r(Name, Goal, Bound, Body)),
    step(Theory, 0'u), put_char(Name),
    bind(Bound, Theory),
    body(Body, [Goal|Ancestors], Theory).

bind([], _).
bind([v(Word, Value)|Rest], Theory) :-
    attempt(Word, Value, Theory),
    bind(Rest, Theory).

attempt(Word, Value, Theory) :-
    step(Theory, 0'b), put_char(Word), put_char(Value).
attempt(Word, _, Theory) :-
    step(Theory, 0'n), put_char(Word),
    fail.

body([], _, _).
body([b(Free, Goal)|Rest], Ancestors, Theory) :-
    enumerate(Free, Theory),
    prove(Goal, Ancestors, Theory),
    body(Rest, Ancestors, Theory).

enumerate([], _).
enumerate([v(Word, Value)|Rest], Theory) :-
    arg(4, Theory, Entities),
    member(Value, Entities),
    attempt(Word, Value, Theory),
    enumerate(Rest, Theory).

%   Forward: theory(StepsLeft, Known, Rules, Triggers, Entities)
%
%   Loops are driven by failure, which undoes the bindings. Known has a known(Literals, Last) for each key, which
%   grows in place, and so survives it: Last is the last cell of the list.

looked_up(Rules, Question, Theory, Answer) :-
    fire_all(Rules, 1, Theory),
    complement(Question, Complement),
    (   is_known(Question, Theory)
    ->  Answer = 0
    ;   is_known(Complement, Theory)
    ->  Answer = 1
    ;   Answer = 2
    ).

is_known(Literal, Theory) :-
    arg(1, Literal, Key),
    arg(2, Theory, Known),
    memberchk(k(Key, known(Literals, _)), Known),
    memberchk(Literal, Literals).

fire_all([], _, _).
fire_all([Rule|Rules], Used, Theory) :-
    fire(0'u, Rule, 0, none, Used, Theory),
    Next is Used + 1,
    fire_all(Rules, Next, Theory).

%!  fire(+Letter, +Rule, +Place, +Literal, +Used, +Theory) is det.
%
%   Literal, unless Place is 0, is the only candidate of the body's literal at Place.

fire(Letter, Rule, Place, Literal, Used, Theory) :-
    (   copy_term(Rule, r(Name, Head, Free, Body)),
        step(Theory, Letter), put_char(Name),
        run(Body, Place, Literal, Head, Free, Used, Theory),
        step(Theory, 0'e), put_char(Name),
        fail
    ;   true
    ).

run([], _, _, Head, Free, Used, Theory) :-
    conclude(Free, Head, Used, Theory).
run([b(Free, Pattern)|Rest], Place, Literal, Head, HeadFree, Used, Theory) :-
    candidates(Place, Literal, Pattern, Theory, Candidates, Last),
    Next is Place - 1,
    (   \+ memberchk(Pattern, Candidates)
    ->  step(Theory, 0'f)
    ;   up_to(Last, Candidates, Pattern),
        bound_all(Free, Theory),
        run(Rest, Next, Literal, Head, HeadFree, Used, Theory),
        unbound_all(Free, Theory),
        fail
    ;   true
    ).

candidates(1, Literal, _, _, Candidates, Candidates) :-
    !,
    Candidates = [Literal].
candidates(_, _, Pattern, Theory, Candidates, Last) :-
    arg(1, Pattern, Key),
    arg(2, Theory, Known),
    (   memberchk(k(Key, known(Literals, End)), Known)
    ->  Candidates = Literals,
        Last = End
    ;   Candidates = []
    ).

%!  up_to(+Last, +Cells, ?Literal) is nondet.
%
%   Literal is one of a list that may grow meanwhile, up to the cell that was its last one.

up_to(Last, Cells, Literal) :-
    Cells = [First|Rest],
    (   same_term(Cells, Last)
    ->  Literal = First
    ;   (   Literal = First
        ;   up_to(Last, Rest, Literal)
        )
    ).

bound_all([], _).
bound_all([v(Word, Value)|Rest], Theory) :-
    step(Theory, 0'b), put_char(Word), put_char(Value),
    bound_all(Rest, Theory).

unbound_all([], _).
unbound_all([v(Word, _)|Rest], Theory) :-
    unbound_all(Rest, Theory),
    step(Theory, 0'n), put_char(Word).

conclude([], Head, Used, Theory) :-
    arg(1, Head, Key),
    arg(2, Theory, Known),
    memberchk(k(Key, Cell), Known),
    arg(1, Cell, Literals),
    (   memberchk(Head, Literals)
    ->  step(Theory, 0'k), put(Head)
    ;   step(Theory, 0'o), put(Head),
        grow(Literals, Head, Cell),
        refire(Key, Head, Used, Theory)
    ).
conclude([v(Word, Value)|Rest], Head, Used, Theory) :-
    (   arg(5, Theory, Entities),
        member(Value, Entities),
        step(Theory, 0'b), put_char(Word), put_char(Value),
        conclude(Rest, Head, Used, Theory),
        step(Theory, 0'n), put_char(Word),
        fail
    ;   true
    ).

grow([], Literal, Cell) :-
    !,
    nb_setarg(1, Cell, [Literal]),
    arg(1, Cell, Last),
    nb_linkarg(2, Cell, Last).
grow(_, Literal, Cell) :-
    arg(2, Cell, Last),
    nb_setarg(2, Last, [Literal]),
    arg(2, Last, NewLast),
    nb_linkarg(2, Cell, NewLast).

refire(Key, Literal, Used, Theory) :-
    (   arg(4, Theory, Triggers),
        memberchk(k(Key, Places), Triggers),
        member(p(RulePlace, Place), Places),
        RulePlace =< Used,
        arg(3, Theory, Rules),
        arg(RulePlace, Rules, Rule),
        matches(Rule, Place, Literal),
        fire(0'U, Rule, Place, Literal, Used, Theory),
        fail
    ;   true
    ).

matches(Rule, Place, Literal) :-
    arg(4, Rule, Body),
    nth1(Place, Body, b(_, Pattern)),
    \+ Pattern \= Literal.
